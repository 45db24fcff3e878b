"""Finding a person: one field that understands numbers, phones, birth dates, names and readings."""
