"""A pass over all case summaries, in spans of their ids, with as many hands as the machine has processors.

A question over a whole city is bound by the processor: SQLite answers it on one, whichever else stand idle, while the
interpreter's lock is free. So the spans go to readers with a connection and a thread each. Each sees the register as of the
moment at which it began: what is written in between is in one span and not in another, as if the question had been asked a
moment later. PostgreSQL divides a pass by itself; there a span is the whole.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from threading import Lock
from typing import Final, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, func, select, true

from db.schema.summaries import CaseSummary

R = TypeVar("R")

Span = dict[str, int]
"""Ids from `first` to `last`, as the parameters of a statement that has `within` in it."""

HANDS: Final = min(4, os.cpu_count() or 1)
"""Readers of a pass at most: the panel has others to serve."""

SMALLEST: Final = 50_000
"""Cases a span has at least: below that a statement more costs as much as it saves."""

_HELPERS: Final = ThreadPoolExecutor(max(1, HANDS - 1), thread_name_prefix="pass")
"""Shared by all passes of a process: ten at once divide the machine, and do not ask for forty threads."""

_SPANS: Final = 16

_FIRST: Final[BindParameter[int]] = bindparam("first", type_=CaseSummary.case_id.type)
_LAST: Final[BindParameter[int]] = bindparam("last", type_=CaseSummary.case_id.type)

_WITHIN: Final = CaseSummary.case_id.between(_FIRST, _LAST)
_ENDS: Final = select(func.min(CaseSummary.case_id)), select(func.max(CaseSummary.case_id))


def within(tx: Connection) -> ColumnElement[bool]:
    """That a case is of the span."""
    return _WITHIN if _divides(tx) else true()


def _divides(tx: Connection) -> bool:
    return tx.dialect.name == "sqlite"


def each(tx: Connection, work: Callable[[Connection, Span], R]) -> list[R]:
    """What `work` makes of every span, in no order; it may run in several threads at once, each with its own connection."""
    spans = _spans(tx)
    if min(len(spans), HANDS) < 2 or tx.get_execution_options().get("saikoku_write", False):
        return [work(tx, span) for span in spans]  # others would not see what this transaction has written
    left, next_one = iter(spans), Lock()

    def hand(own: Connection) -> list[R]:
        return [work(own, span) for span in _taken(left, next_one)]

    def helper() -> list[R]:
        with tx.engine.connect() as own, own.begin():
            return hand(own)

    helpers = [_HELPERS.submit(helper) for _ in range(HANDS - 1)]
    try:
        mine = hand(tx)
    finally:
        begun = [one for one in helpers if not one.cancel()]  # the others were busy with another pass
        wait(begun)
    return mine + [made for one in begun for made in one.result()]


def _taken(left: Iterator[Span], next_one: Lock) -> Iterator[Span]:
    while True:
        with next_one:
            span = next(left, None)
        if span is None:
            return
        yield span


def _spans(tx: Connection) -> Sequence[Span]:
    if not _divides(tx):
        return [{}]
    first, last = (tx.execute(end).scalar() for end in _ENDS)
    if first is None or last is None:
        return []
    count = max(1, min(_SPANS, (last - first + 1) // SMALLEST))
    ends = [first + (last - first + 1) * n // count for n in range(count + 1)]
    return [{"first": begin, "last": end - 1} for begin, end in pairwise(ends)]
