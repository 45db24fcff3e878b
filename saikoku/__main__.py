"""`saikoku`: the command line."""


def main() -> int:
    """Run one command; the exit status is 0 when it did what was asked."""
    raise NotImplementedError
