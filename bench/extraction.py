"""Extraction: twenty named triples of conditions over a city, count and sum, and a page of the cases, at two sizes on
SQLite and at the larger on PostgreSQL.

Measured are the use cases as the panel calls them (checks, conditions, sentence, the query, the page's rows), by an
officer of three business areas. The pages are the first and the second in three orders.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bench import postgres
from bench.office import NOW, city
from bench.rows import Row, percentile
from db.engine import Database
from db.rules import conditions as c
from db.rules.conditions import Condition, Group, Joining, PromiseStanding
from db.rules.terms import AnsweredBy, Area, Channel, FlagKind, PersonKind, PhoneKind
from db.rules.viewer import Viewer
from db.schema.staff import Staff
from db.store import staff
from db.store.extraction_pages import Order
from db.usecases import extraction
from db.usecases.office import Office

T = TypeVar("T")

SIZES = (10_000, 1_000_000)
ROUNDS = 5
OFFICE = Office(zone=ZoneInfo("Asia/Tokyo"))
ORDERS = (Order.PRINCIPAL, Order.OLDEST, Order.LAST_CONTACT_DOWN)


def _none(*parts: Condition) -> Group:
    return Group(Joining.NONE, parts)


def _any(*parts: Condition) -> Group:
    return Group(Joining.ANY, parts)


_NOT_PURSUED = c.Flagged((FlagKind.SUSPENDED, FlagKind.BANKRUPT, FlagKind.DECEASED, FlagKind.LAWYER))
_DISTRICTS = ("中央地区", "港地区")

TRIPLES: Mapping[str, tuple[Condition, Condition, Condition]] = {
    "高額・長期・電話あり": (c.Amount(100_000), c.DebtAge(24), c.Phone()),
    "固定資産税・古い年度・地区": (c.Levy(("property",), None, 2023), c.District(_DISTRICTS), c.Amount(10_000)),
    "軽自動車税だけの少額": (c.Levy(("light_vehicle",)), c.Amount(None, 20_000), c.OpenCount(None, 2)),
    "今年度の第1期": (c.Levy((), 2026, 2026, (1,)), c.InArea((Area.TAX,)), c.Phone((PhoneKind.MOBILE,))),
    "世帯で滞納": (c.HouseholdCases(2), c.HouseholdAmount(200_000), c.Age(30, 64)),
    "約束不履行・携帯": (c.PromiseIs((PromiseStanding.BROKEN,)), c.Phone((PhoneKind.MOBILE,)), c.Amount(1)),
    "約束なし・接触あり": (c.PromiseIs((PromiseStanding.NONE,)), c.LastContact(0, 90), c.Amount(30_000)),
    "30日以上接触なし": (c.LastContact(30), c.Amount(50_000), _none(_NOT_PURSUED)),
    "一度も接触なし": (_none(c.LastContact()), c.Amount(1), c.Phone()),
    "不在続き": (c.LastContact(7, 60, (Channel.CALL_OUT,), ("no_answer",)), c.Amount(20_000), c.Phone()),
    "家族が応答": (c.LastContact(answered_by=(AnsweredBy.FAMILY, AnsweredBy.SPOUSE)), c.Amount(1), c.DebtAge(6)),
    "夜間につながる": (c.Reachable(18, 21), c.Amount(30_000), c.InArea((Area.TAX,))),
    "土日につながる": (c.Reachable(9, 18, True), c.DebtAge(12), c.Amount(1)),
    "若年・外国語": (c.Age(18, 35), _none(c.Language(("ja",))), c.Amount(1)),
    "高齢・介護保険料": (c.Age(75), c.Levy(("care", "elderly")), c.Letters(1)),
    "法人・高額": (c.PersonIs((PersonKind.COMPANY,)), c.Amount(300_000), c.DebtAge(12)),
    "催告書後も未納": (c.LetterKind(("最終催告書", "差押予告書")), c.LastLetter(30), c.Amount(50_000)),
    "返戻のあった人": (c.LastLetter(returned=True), c.Amount(1), c.District(_DISTRICTS)),
    "注意事項あり": (c.Flagged((FlagKind.CAUTION, FlagKind.NO_SMS)), c.Amount(1), _none(c.Phone())),
    "担当なし・約束か高額": (
        _none(c.Assigned()),
        _any(c.PromiseIs((PromiseStanding.BROKEN,)), c.Amount(200_000)),
        c.OpenCount(3),
    ),
}
"""By name; all three have to hold."""


def run() -> Sequence[Row]:
    """p50 and p95 at both sizes."""
    return list(_rows())


def _rows() -> Iterator[Row]:
    gc.freeze()  # as the daemons do: what was loaded is not looked through for garbage again and again
    counts: dict[int, float] = {}
    for size in SIZES:
        database = Database(f"sqlite:///{city(size)}")
        yield from _measure(database, f"{size:,} debtors, SQLite", counts, size)
        database.close()
    with postgres.city(SIZES[-1]) as database:
        yield from _measure(database, f"{SIZES[-1]:,} debtors, PostgreSQL", {}, SIZES[-1])
    grown = counts[SIZES[1]] / counts[SIZES[0]]
    yield Row(f"extraction, count and sum: p95 at {SIZES[1]:,} over {SIZES[0]:,} debtors", grown, "times")


def _measure(database: Database, where: str, counts: dict[int, float], size: int) -> Iterator[Row]:
    officer = _officer(database)
    largest = size == SIZES[-1]
    counting, paging = [], []
    slowest = ("", 0.0)
    for name, parts in TRIPLES.items():
        tree = Group(Joining.ALL, parts)
        mine = [_timed(partial(_count, database, officer, tree)) for _ in range(ROUNDS + 1)][1:]
        counting += [took for took, _ in mine]
        slowest = max(slowest, (name, max(took for took, _ in mine)), key=lambda one: one[1])
        counted = mine[-1][1]
        for order in ORDERS:
            paging += _pages(database, officer, tree, order, counted)
    counts[size] = percentile(counting, 0.95)
    bars = (300.0, 100.0) if largest else (None, None)
    yield Row(f"extraction, count and sum, {where}: p50", percentile(counting, 0.5), "ms")
    yield Row(f"extraction, count and sum, {where}: p95", counts[size], "ms", bars[0])
    yield Row(f"extraction, slowest triple there: {slowest[0]}", slowest[1], "ms")
    yield Row(f"extraction, page of 50, {where}: p50", percentile(paging, 0.5), "ms")
    yield Row(f"extraction, page of 50, {where}: p95", percentile(paging, 0.95), "ms", bars[1])


def _pages(
    database: Database, officer: Viewer, tree: Condition, order: Order, counted: extraction.Counted
) -> list[float]:
    """The first page and the second, each after a warm-up."""
    times = []
    after = None
    for _ in range(2):
        ask = _page_of(database, officer, tree, order, counted, after)
        ask()
        took, page = _timed(ask)
        times.append(took)
        after = page.after
        if after is None:
            break
    return times


def _page_of(
    database: Database, officer: Viewer, tree: Condition, order: Order, counted: extraction.Counted,
    after: tuple[int, int] | None,
) -> Callable[[], extraction.Page]:  # fmt: skip
    def ask() -> extraction.Page:
        with database.read() as tx:
            return extraction.page(tx, officer, tree, order, NOW, OFFICE, after=after, gathered=counted.gathered)

    return ask


def _count(database: Database, officer: Viewer, tree: Condition) -> extraction.Counted:
    with database.read() as tx:
        return extraction.count(tx, officer, tree, NOW, OFFICE)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


def _officer(database: Database) -> Viewer:
    with database.read() as tx:
        user_id = tx.execute(select(Staff.id).where(Staff.login == "officer")).scalar_one()
        found = staff.viewer(tx, user_id)
    if found is None:
        raise RuntimeError("the city has no officer")
    return found
