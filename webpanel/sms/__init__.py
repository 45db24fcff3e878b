"""SMS: the form on the record, what became of each message, refusals, and the office's templates."""
