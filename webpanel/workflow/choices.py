"""What is asked for in an address of the workflow: areas, a dimension, and whom a list is about. Unknown words mean "all"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from db.rules.bands import AgeBand, AmountBand
from db.rules.terms import Area, CaseState
from db.rules.viewer import Viewer
from db.store import workflow
from db.store.state_counts import Dimension
from db.store.workflow import Choice, Order
from db.usecases.records import NotFoundError

DIMENSIONS: Final[Mapping[Dimension, str]] = {
    Dimension.ITEM: "税目・料目",
    Dimension.DISTRICT: "地区",
    Dimension.AMOUNT: "滞納額",
    Dimension.AGE: "滞納期間",
    Dimension.OFFICER: "担当者",
    Dimension.GROUP: "グループ",
}
ORDERS: Final[Mapping[Order, str]] = {
    Order.AMOUNT: "滞納額の多い順",
    Order.OLDEST: "納期限の古い順",
    Order.CONTACT: "交渉のない期間の長い順",
    Order.SINCE: "この状態が長い順",
}
_BANDS: Final = {Dimension.AMOUNT: AmountBand, Dimension.AGE: AgeBand}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `area` is None for all areas of the viewer."""

    area: Area | None
    areas: frozenset[Area]
    dimension: Dimension

    @property
    def query(self) -> str:
        """The same as it stands in an address."""
        return urlencode({"area": self.area.value if self.area else "", "by": self.dimension.value})


def asked(query: Mapping[str, str], viewer: Viewer) -> Asked:
    """Read the part that all pages of the workflow share."""
    mine = workflow.areas(viewer)
    area = next((one for one in mine if one.value == query.get("area")), None)
    dimension = next((one for one in DIMENSIONS if one.value == query.get("by")), Dimension.ITEM)
    return Asked(area, frozenset({area}) if area else mine, dimension)


def choice(query: Mapping[str, str], viewer: Viewer) -> Choice:
    """Read whom a list is about. Raises NotFoundError for a band that there is not."""
    state = next((one for one in CaseState if one.value == query.get("state")), None)
    key = query.get("key", "")[:40]
    shared = asked(query, viewer)
    if not key:
        return Choice(state, shared.areas)
    band = _BANDS.get(shared.dimension)
    if band and key not in {one.value for one in band}:
        raise NotFoundError
    return Choice(state, shared.areas, shared.dimension, key)


def order(query: Mapping[str, str], of: Choice) -> Order:
    """Read how a list is sorted: by what is asked for, else as its state makes one ask."""
    usual = Order.CONTACT if of.state in {CaseState.NOT_CONTACTED, CaseState.NO_PROMISE} else Order.AMOUNT
    return next((one for one in orders(of) if one.value == query.get("order")), usual)


def orders(of: Choice) -> Mapping[Order, str]:
    """Orders that a list can be asked in; those by a day of one state need that state."""
    return {one: word for one, word in ORDERS.items() if of.state or one in {Order.AMOUNT, Order.CONTACT}}


def page_number(query: Mapping[str, str]) -> int:
    """Read which page."""
    text = query.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
