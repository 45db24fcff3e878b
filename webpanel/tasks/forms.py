"""Which tasks are asked for, as it stands in an address, and the day of a form."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from db.reference.calendar import DateTextError, parse_date
from db.rules.terms import Area, TaskKind
from db.store.tasks import Order, Wanted, When, Whose
from webpanel.errors import FormError
from webpanel.forms import Fields

CHOICES: Final[Mapping[str, Any]] = {"Whose": Whose, "Order": Order, "When": When, "TaskKind": TaskKind}
_LAST_PAGE: Final = 10_000
_LAST_YEAR: Final = 2100


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """The filter in an address; what is not understood is left out."""
    holder, page = query.get("holder", ""), query.get("page", "")
    return Wanted(
        whose=_one(Whose, query.get("whose"), Whose.MINE),
        kind=_one(TaskKind, query.get("kind"), None),
        area=_one(Area, query.get("area"), None),
        holder=int(holder) if _is_number(holder) else None,
        closed=query.get("closed") == "1",
        when=_one(When, query.get("when"), When.NOW),
        order=_one(Order, query.get("order"), Order.DUE),
        page=min(int(page), _LAST_PAGE) if _is_number(page) else 0,
    )


def address_of(wanted: Wanted, path: str = "/tasks", **changes: Any) -> str:
    """The address of a list that is wanted so, with some changes."""
    new = replace(wanted, **{"page": 0, **changes})
    parts = {
        "whose": new.whose.value,
        "kind": new.kind.value if new.kind else "",
        "area": new.area.value if new.area else "",
        "holder": "" if new.holder is None else str(new.holder),
        "closed": "1" if new.closed else "",
        "when": "" if new.closed else new.when.value,
        "order": new.order.value,
        "page": str(new.page) if new.page else "",
    }
    return f"{path}?{urlencode({name: value for name, value in parts.items() if value})}"


def due_day(fields: Fields, name: str = "due_on") -> date | None:
    """The day of a form, or None if it is left empty; raises FormError."""
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        day = parse_date(text)
    except DateTextError as error:
        raise FormError({name: error.message}) from error
    if day.year >= _LAST_YEAR:
        raise FormError({name: "期限の年を確認してください。"})
    return day


def _one(terms: Any, text: str | None, otherwise: Any) -> Any:
    return next((term for term in terms if term.value == text), otherwise)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
