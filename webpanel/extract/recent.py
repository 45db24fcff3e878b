"""What was counted lately, in this process: a page of a small result is then a look-up, and paging sees one result.

Nothing is kept longer than `KEPT`, and nothing is found by anybody but the user who counted, with the same rights.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from db.rules.conditions import Condition, to_json
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.usecases.extraction import Counted

KEPT: Final = timedelta(minutes=5)
MOST: Final = 64

_Who = tuple[int, frozenset[Area], str]


@dataclass(frozen=True, slots=True)
class Result:
    """A count, and when it was made. `late_charge` in yen, once somebody asked."""

    counted: Counted
    at: datetime
    late_charge: int | None = None


class Recent:
    """The newest counts."""

    def __init__(self) -> None:
        self._results: OrderedDict[_Who, Result] = OrderedDict()

    def put(self, viewer: Viewer, tree: Condition, counted: Counted, now: datetime) -> Result:
        """Keep a count; the oldest goes where there are too many."""
        key = _key(viewer, tree)
        self._results[key] = made = Result(counted, now)
        self._results.move_to_end(key)
        while len(self._results) > MOST:
            self._results.popitem(last=False)
        return made

    def add(self, viewer: Viewer, tree: Condition, result: Result, late_charge: int) -> None:
        """Keep what was added up after the count, unless that was made anew meanwhile."""
        key = _key(viewer, tree)
        if self._results.get(key) == result:
            self._results[key] = replace(result, late_charge=late_charge)

    def get(self, viewer: Viewer, tree: Condition, now: datetime) -> Result | None:
        """A count of the same conditions by the same user that is fresh enough."""
        found = self._results.get(_key(viewer, tree))
        return found if found and timedelta() <= now - found.at <= KEPT else None


RECENT: Final = web.AppKey("extracted", Recent)


def _key(viewer: Viewer, tree: Condition) -> _Who:
    seen = viewer.areas(Right.EXTRACT) & viewer.areas(Right.ARREARS_VIEW) & viewer.areas(Right.DEBTOR_VIEW)
    return viewer.user_id, seen, json.dumps(to_json(tree), ensure_ascii=False)
