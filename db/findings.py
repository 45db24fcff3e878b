"""What `saikoku doctor` finds: for the checks of the PBX, of the carriers and of this host alike."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what is so, and how to mend it where it should not be."""

    level: Level
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.level:4}  {self.what}" + (f" – {self.mend}" if self.mend else "")


def ok(what: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, what)


def warn(what: str, mend: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(Level.WARN, what, mend)


def bad(what: str, mend: str) -> Finding:
    """Calls or messages will not work."""
    return Finding(Level.BAD, what, mend)
