"""Searching cases by conditions (T8): what an officer builds is checked, counted, listed and taken out.

A pass over a million cases takes a tenth of a second or two, which SQLite's one writer must not wait for; so these read
in a reading transaction, and `log_…` writes the access into the log in one of its own *before* anything is shown.
Whoever shows what a reading function returned without having logged it is wrong.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import Connection

from db.reference.calendar import fiscal_year_label
from db.rules.condition_checks import Problem, problems
from db.rules.condition_words import Words, sentence
from db.rules.conditions import Condition
from db.rules.promises import last_due_over
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.store import access_log, arrears, calls, extraction_pages, extraction_rows, summaries
from db.store.extraction import Compiler
from db.store.extraction_pages import Gathered, Key, Order
from db.store.extraction_rows import CaseRow
from db.usecases.office import Office

PAGE = 50
EXPORTED_AT_ONCE = 2_000
CHARGED_AT_ONCE = 50
SENTENCE_IN_LOG = 600


class SenselessError(Exception):
    """A tree with conditions that cannot be meant was to be searched for; `problems` says which and why."""

    code = "senseless"

    def __init__(self, found: Sequence[Problem]) -> None:
        super().__init__(found[0].message)
        self.problems = found


@dataclass(frozen=True, slots=True)
class Counted:
    """How many cases and how much principal (yen) come under a tree. `as_of`: the day of the summaries.

    `gathered` are the cases themselves if they are few, for `page`.
    """

    cases: int
    principal: int
    sentence: str
    as_of: date
    gathered: Gathered | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Cases of one page; `before` and `after` are where the neighbouring pages begin, None where there is none."""

    rows: Sequence[CaseRow]
    before: Key | None
    after: Key | None


def words(tx: Connection, viewer: Viewer) -> Words:
    """What the office calls things, for the builder and for sentences."""
    viewer.require(Right.EXTRACT)
    return replace(extraction_rows.words(tx, viewer), fiscal_year=fiscal_year_label)


def check(tx: Connection, viewer: Viewer, tree: Condition, now: datetime, office: Office) -> list[Problem]:
    """What of a tree makes no sense, and why."""
    return problems(tree, words(tx, viewer), office.today(now))


def count(tx: Connection, viewer: Viewer, tree: Condition, now: datetime, office: Office) -> Counted:
    """Count and sum up what comes under a tree. Raises SenselessError. To be logged before it is shown."""
    known = words(tx, viewer)
    found = problems(tree, known, office.today(now))
    if found:
        raise SenselessError(found)
    got = extraction_pages.find(tx, searching(viewer), compiler(tx, now, office), tree)
    as_of = summaries.day(tx) or office.today(now)
    return Counted(got.cases, got.principal, sentence(tree, known), as_of, got.gathered)


def late_charge(tx: Connection, viewer: Viewer, case_ids: Collection[int], now: datetime, office: Office) -> int:
    """Late charge (延滞金) still to pay in some of the cases that were found, in yen, as of today.

    A calculation for every installment, so for `CHARGED_AT_ONCE` cases at a time. The count before it is logged.
    """
    return arrears.charges_due(tx, searching(viewer), case_ids, office.today(now))


def log_count(tx: Connection, viewer: Viewer, counted: Counted, now: datetime) -> None:
    """Note that somebody learnt how many and how much: a count of one tells of one."""
    access_log.append(tx, viewer, now, "extract.count", detail=_detail(counted.sentence, counted.cases))


def page(
    tx: Connection, viewer: Viewer, tree: Condition, order: Order, now: datetime, office: Office, *,
    after: Key | None = None, back: bool = False, gathered: Gathered | None = None, size: int = PAGE,
) -> Page:  # fmt: skip
    """`size` cases after a place in the order (or, `back`, before it). To be logged before it is shown."""
    viewer = searching(viewer)
    if gathered:
        keys = extraction_pages.page_of_gathered(gathered, order, size, after, back=back)
    else:
        keys = extraction_pages.page(tx, viewer, compiler(tx, now, office), tree, order, size, after, back=back)
    more, keys = len(keys) > size, keys[:size]
    keys = keys[::-1] if back else keys
    today, known = office.today(now), words(tx, viewer)
    rows = extraction_rows.rows(tx, viewer, [key[1] for key in keys], known, today, over(now, office))
    earlier = more if back else after is not None
    later = (after is not None) if back else more
    return Page(
        hide_on_call(tx, viewer, rows),
        keys[0] if keys and earlier else None,
        keys[-1] if keys and later else None,
    )


def log_page(
    tx: Connection, viewer: Viewer, said: str, cases: int, shown: Page, now: datetime, action: str = "extract.view"
) -> None:
    """Note the search with its sentence and count, and everybody whom the page shows."""
    access_log.append(tx, viewer, now, action, detail=_detail(said, cases))
    people = list(dict.fromkeys(row.debtor_id for row in shown.rows))
    access_log.append_each(tx, viewer, now, "extract.shown", people, "抽出の一覧に表示")


def log_export(tx: Connection, viewer: Viewer, counted: Counted, encoding: str, now: datetime) -> None:
    """Note that everything is taken out, before its first line is."""
    viewer.require(Right.EXPORT)
    access_log.append(
        tx, viewer, now, "extract.export", detail=f"{_detail(counted.sentence, counted.cases)} {encoding}"
    )


def log_exported(tx: Connection, viewer: Viewer, part: Page, now: datetime) -> None:
    """Note everybody of a part of what is taken out, before it is sent."""
    people = list(dict.fromkeys(row.debtor_id for row in part.rows))
    access_log.append_each(tx, viewer, now, "extract.exported", people, "抽出結果のCSVに出力")


def compiler(tx: Connection, now: datetime, office: Office) -> Compiler:
    """Turns trees into conditions as of now."""
    began = int(office.day_begins(now).timestamp())
    return Compiler(tx, office.today(now), over(now, office), began)


def searching(viewer: Viewer) -> Viewer:
    """The viewer in the areas in which they may search."""
    return viewer.within(viewer.areas(Right.EXTRACT))


def over(now: datetime, office: Office) -> date:
    """The last due date of a promise's line that is over today."""
    return last_due_over(office.today(now), office.grace_days, office.is_closed)


def hide_on_call(tx: Connection, viewer: Viewer, rows: Sequence[CaseRow]) -> list[CaseRow]:
    """Leave out what may not show of the person on the viewer's line, until they have proved who they are (C5)."""
    hidden = calls.unproven(tx, viewer)
    return [extraction_rows.masked(row) if row.debtor_id in hidden else row for row in rows]


def _detail(said: str, cases: int) -> str:
    return f"{said[:SENTENCE_IN_LOG]} {cases:,}件"
