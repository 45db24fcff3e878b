"""What can be wrong with an entry, said beside the field it belongs to."""


class EntryError(Exception):
    """An entry that cannot be right. `field` names the input it belongs beside; the sentence is for the person."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
