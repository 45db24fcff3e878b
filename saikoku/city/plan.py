"""What to build, and the shape of what comes out of it: rows in the form that drivers take without conversion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

CHUNK: Final = 1_000
"""Debtors built and written at a time; memory does not depend on the size of the city."""

Row = list[Any] | tuple[Any, ...]

COLUMNS: Final[Mapping[str, str]] = {
    "household": "id number",
    "debtor": "id number kind name kana name_folded kana_folded birth_date language household_id household_role"
    " data_as_of",
    "case_file": "id debtor_id area",
    "address": "id debtor_id kind postal_code town block building district latitude longitude valid_from valid_to",
    "phone": "id debtor_id number kind status owner rank source",
    "flag": "id debtor_id area kind valid_from valid_to note",
    "assessment": "id debtor_id area item_code fiscal_year notice_number",
    "installment": "id assessment_id debtor_id area number due_on principal outstanding reminder_sent_on",
    "payment": "id debtor_id area reference paid_on reported_on amount place",
    "allocation": "payment_id installment_id principal late_charge",
    "contact": "id debtor_id area channel at user_id number answered_by disposition note next_step call_id answers_id"
    " corrects_id recorded_at",
    "dispatch": "id debtor_id area kind document_number sent_on amount returned_on return_reason",
    "promise": "id debtor_id area made_at made_by approved_by contact_id cancelled_at note",
    "promise_line": "promise_id number due_on amount",
    "recall": "id debtor_id area due_at user_id phone_id made_by made_at note closed_at closed_by",
}
"""Columns of each table, in the order in which tables are written (parents first) and values stand in a row."""


@dataclass(frozen=True, slots=True)
class CityPlan:
    """A city: equal plans give equal rows. `contacts` is the average number of past contacts a debtor."""

    debtors: int
    seed: int
    today: date
    staff_ids: tuple[int, ...]
    contacts: float = 2.5

    @property
    def chunks(self) -> int:
        """How many chunks the city has."""
        return -(-self.debtors // CHUNK)


@dataclass(slots=True)
class Rows:
    """The rows of one chunk by table; times are UTC without an offset, dates ISO, ids of history 32 hex digits."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in COLUMNS})
    debtors: int = 0
