"""What every kind of import is handed, and what each step answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from db.rules.imports.mapping import ImportMapping
from db.schema.claims import Installment
from db.schema.people import Flag, Phone

StagedRow = Sequence[Any]
"""A staged line: number in the file, owner (宛名番号), debtor id (None for people), then the kind's values in order."""

FIRST_VALUE = 3


@dataclass(frozen=True, slots=True)
class Context:
    """One import as its steps see it. `day` is the office's day of `as_of`, the moment that the file stands for; `today`
    the day on which summaries stand."""

    mapping: ImportMapping
    as_of: datetime
    day: date
    today: date

    def values(self, row: StagedRow) -> dict[str, Any]:
        """The values of a staged line by the names of the fields."""
        names = (one.name for one in self.mapping.fields.fields)
        return dict(zip(names, row[FIRST_VALUE:], strict=True))


@dataclass(slots=True)
class Effect:
    """What a step did: rows added, changed, found as they are; the people concerned; sentences for the report."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    touched: set[int] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)

    def note(self, words: str, count: int = 1) -> None:
        """Count something that the admin should know."""
        if count:
            self.notes[words] = self.notes.get(words, 0) + count


def owners(tx: Connection, model: type[Installment | Phone | Flag], ids: Collection[int]) -> set[int]:
    """Whose rows these are."""
    return set(tx.execute(select(model.debtor_id).where(model.id.in_(ids))).scalars())
