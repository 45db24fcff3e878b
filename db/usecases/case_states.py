"""Keeps the state of every case, and how many stand in each: derived by one rule, never typed in (T10).

`catch_up` reads the outbox and derives anew the cases of whoever it names, within a second of the change; `sweep` does
so for everybody once a day, because deadlines pass and debts grow older without anybody writing a row. Both are run by
`saikoku jobs`, in short transactions, one after the other even where there are two such daemons: each first takes the
row of `StateSweep`. A promise that broke raises its task here, once a line.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.sql.expression import bindparam

from db.outbox import Cursor, changes_after, latest, publish
from db.rules.bands import age_band, amount_band
from db.rules.bits import CASE_STATES
from db.rules.case_history import Terms, standing, state_on
from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import CaseState
from db.rules.viewer import system_viewer
from db.schema.people import Debtor
from db.schema.states import StateDay, StateSweep
from db.schema.summaries import CaseSummary
from db.store import case_histories, state_counts, summaries
from db.store.case_histories import CaseEvents
from db.store.state_counts import Change, Count, Counted, Dimension
from db.usecases import broken_promises
from db.usecases.office import Office

TOPIC: Final = "workflow"
MANY: Final = "debtors"
"""Topic of a change that concerns many people; its key is the smallest of their ids. The sweep goes over them again."""

AT_ONCE: Final = 100
"""People of one transaction: a few dozen milliseconds of processor time, which a click to call can wait for."""

WEEKS: Final = 13
"""How many weeks before its first day a register's states are counted, so that there is a trend from the beginning."""

_WEEK: Final = timedelta(days=7)
_SYSTEM: Final = system_viewer("jobs")


@dataclass(frozen=True, slots=True)
class _Day:
    """What a derivation is made with."""

    now: datetime
    today: date
    terms: Terms
    before: Sequence[date] = ()

    @classmethod
    def of(cls, now: datetime, office: Office, *, first: bool = False) -> "_Day":
        today = office.today(now)
        weeks = [today - _WEEK * number for number in range(1, WEEKS + 1)] if first else ()
        return cls(now, today, Terms(office.grace_days, lru_cache(office.is_closed)), weeks)


def pending(tx: Connection, now: datetime, office: Office) -> bool:
    """Whether there is anything for `step` to do; a read that disturbs nobody."""
    sweep = tx.execute(select(StateSweep)).one_or_none()
    if _due(tx, sweep, office.today(now)):
        return True
    return sweep is not None and bool(changes_after(tx, Cursor(sweep.xid, sweep.seq), 1))


def step(tx: Connection, now: datetime, office: Office) -> bool:
    """Do the next piece of work: what changed comes first, then the sweep of the day. Returns whether there may be more."""
    sweep = _taken(tx, now, office)
    if not (sweep.first and not sweep.finished) and catch_up(tx, sweep, now, office):
        return True
    return _sweep(tx, sweep, now, office) if _due(tx, sweep, office.today(now)) else False


def catch_up(tx: Connection, sweep: Row[*tuple[object, ...]], now: datetime, office: Office) -> bool:
    """Derive anew whoever the outbox names since the last time; returns whether it named anybody."""
    found = changes_after(tx, Cursor(sweep.xid, sweep.seq), AT_ONCE)
    if not found:
        return False
    people = {int(change.key) for change in found if change.topic == "debtor" and change.key.isdigit()}
    if people:
        rederive(tx, people, now, office)
    last = found[-1].cursor
    tx.execute(update(StateSweep).values(xid=last.xid, seq=last.seq))
    many = [int(change.key) for change in found if change.topic == MANY and change.key.isdigit()]
    if many:
        again = update(StateSweep).where(StateSweep.finished | (StateSweep.done_to >= min(many)))
        tx.execute(again.values(done_to=min(many) - 1, finished=False))
    return True


def rederive(tx: Connection, debtor_ids: Collection[int], now: datetime, office: Office) -> None:
    """Derive the states of some people's cases from what is known of them, and bring the counts along."""
    _rederive(tx, debtor_ids, _Day.of(now, office), office)


def sweep_all(tx: Connection, now: datetime, office: Office) -> None:
    """Do all there is to do in one transaction: for tests and small registers."""
    while step(tx, now, office):
        pass


def _taken(tx: Connection, now: datetime, office: Office) -> Row[*tuple[object, ...]]:
    """The row that says how far it came, locked until the end of the transaction."""
    row = tx.execute(select(StateSweep).with_for_update()).one_or_none()
    if row is None:
        at = latest(tx)
        today = office.today(now)
        values = {"id": 1, "xid": at.xid, "seq": at.seq, "day": today, "done_to": 0, "finished": False, "first": True}
        tx.execute(insert(StateSweep), values)
        row = tx.execute(select(StateSweep)).one()
    return row


def _due(tx: Connection, sweep: Row[*tuple[object, ...]] | None, today: date) -> bool:
    """Whether somebody is still to be looked at today. Summaries come first: they say where people live and who has them."""
    behind = sweep is None or sweep.day != today or not sweep.finished
    return behind and summaries.day(tx) == today


def _sweep(tx: Connection, sweep: Row[*tuple[object, ...]], now: datetime, office: Office) -> bool:
    day = _Day.of(now, office, first=sweep.first)
    done_to = sweep.done_to
    if sweep.day != day.today:
        done_to = 0
        if sweep.first:  # midnight came in between: what was counted of the weeks before belongs to other days
            tx.execute(delete(StateDay))
    ids = tx.execute(select(Debtor.id).where(Debtor.id > done_to).order_by(Debtor.id).limit(AT_ONCE)).scalars().all()
    if ids:
        _rederive(tx, ids, day, office)
        tx.execute(update(StateSweep).values(day=day.today, done_to=ids[-1], finished=False))
        return True
    state_counts.close_day(tx, day.today)
    tx.execute(update(StateSweep).values(day=day.today, finished=True, first=False))
    publish(tx, now, TOPIC, "")
    return True


def _rederive(tx: Connection, debtor_ids: Collection[int], day: _Day, office: Office) -> None:
    events = case_histories.of(tx, _SYSTEM, debtor_ids, office.zone)
    before = state_counts.counts(tx, debtor_ids)
    cases = {row.case_id: row for row in tx.execute(_cases(debtor_ids)) if (row.debtor_id, row.area) in events}
    change, written, moved = Change(), [], []
    for case_id, row in cases.items():
        case = events[row.debtor_id, row.area]
        stands = standing(case.history, day.today, day.terms)
        count = Count(case_id, row.debtor_id, row.area, stands.state, _counted(case, row, stands.state, day.today))
        since = stands.since.toordinal() if stands.since else 0
        if (row.state, row.state_since) != (CASE_STATES[stands.state], since):
            moved.append({"of_case": case_id, "to_state": CASE_STATES[stands.state], "to_since": since})
        if count != before.get(case_id):
            written.append(count)
            change.add(count, 1)
            if case_id in before:
                change.add(before[case_id], -1)
        _count_weeks(change, case, day)
    gone = [case_id for case_id in before if case_id not in cases]
    for case_id in gone:
        change.add(before[case_id], -1)
    _move(tx, moved)
    state_counts.put(tx, gone, written)
    watched = [(events[row.debtor_id, row.area], row.state == 0) for row in cases.values()]
    broken_promises.watch(tx, watched, day.now, day.today, day.terms)
    if state_counts.apply(tx, change, day.today):
        publish(tx, day.now, TOPIC, "")


def _cases(debtor_ids: Collection[int]) -> Select[*tuple[Any, ...]]:
    c = CaseSummary
    columns = (c.case_id, c.debtor_id, c.area, c.district, c.assigned_user, c.assigned_group, c.state, c.state_since)
    return select(*columns).where(c.debtor_id.in_(debtor_ids), c.area.in_(DEBT_AREAS))


def _move(tx: Connection, moved: Sequence[dict[str, int]]) -> None:
    if moved:
        one = update(CaseSummary).where(CaseSummary.case_id == bindparam("of_case"))
        tx.execute(one.values(state=bindparam("to_state"), state_since=bindparam("to_since")), moved)


def _counted(case: CaseEvents, row: Row[*tuple[object, ...]], state: CaseState, today: date) -> Counted:
    """What a case adds under each dimension. Who owes nothing has no item, no amount and no age."""
    history = case.history
    yen = history.principal(today)
    found = [(Dimension.ALL, "", yen), (Dimension.DISTRICT, str(row.district), yen)]
    if row.assigned_user or not row.assigned_group:
        found.append((Dimension.OFFICER, str(row.assigned_user), yen))
    if row.assigned_group or not row.assigned_user:
        found.append((Dimension.GROUP, str(row.assigned_group), yen))
    if state is not CaseState.PAID:
        found.append((Dimension.AMOUNT, amount_band(yen).value, yen))
        found.extend(_of_items(case, today))
        oldest = min((due.on for due in history.dues if due.open(today)), default=None)
        if oldest is not None:
            found.append((Dimension.AGE, age_band(oldest, today).value, yen))
    return [(dimension.value, key, amount) for dimension, key, amount in found]


def _of_items(case: CaseEvents, today: date) -> Iterable[tuple[Dimension, str, int]]:
    sums: dict[str, int] = {}
    for item, due in zip(case.items, case.history.dues, strict=True):
        if open_yen := due.open(today):
            sums[item] = sums.get(item, 0) + open_yen
    return [(Dimension.ITEM, item, sums[item]) for item in sorted(sums)]


def _count_weeks(change: Change, case: CaseEvents, day: _Day) -> None:
    for past in day.before:
        state = state_on(case.history, past, day.terms)
        change.add_day(past, case.area, state, case.history.principal(past))


def last_swept(tx: Connection) -> date | None:
    """The day for which everybody's state was last derived; None before the first."""
    return tx.execute(select(func.max(StateSweep.day)).where(StateSweep.finished)).scalar_one()


def swept_once(tx: Connection) -> bool:
    """Whether the states of the register have been made as a whole."""
    return bool(tx.execute(select(func.count()).where(~StateSweep.first)).scalar_one())
