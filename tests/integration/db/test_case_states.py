"""States and their counts over a synthetic city: against the slow truth, after changes, and as time passes."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.engine import Database
from db.outbox import publish
from db.rules.bands import age_band, amount_band
from db.rules.bits import CASE_STATES
from db.rules.eligibility import DEBT_AREAS
from db.rules.promises import PromiseLine, PromiseOutcome
from db.rules.terms import Area, CaseState, Channel, FlagKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.claims import Installment, Payment
from db.schema.contacts import Promise
from db.schema.people import CaseFile, Flag
from db.schema.states import CaseCount, StateDay, StateTally
from db.schema.summaries import CaseSummary, SummaryCode
from db.schema.work import Assignment, Task
from db.store import arrears, summaries
from db.usecases import case_states
from db.usecases.promises import approve, cancel
from db.usecases.records import open_record
from db.usecases.results import Entry, note_contact
from db.usecases.tasks import BROKEN_PROMISE
from saikoku.city.seed import seed_city
from tests.integration.db import facts
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

TODAY = OFFICE.today(NOW)
EXCLUDING = {FlagKind.SUSPENDED, FlagKind.BANKRUPT, FlagKind.DECEASED, FlagKind.WRITTEN_OFF, FlagKind.EXCLUDED}


def truth(database: Database, today: date) -> dict[int, CaseState]:
    """The state of every case of debts, read row by row."""
    found = {}
    with database.read() as tx:
        for case_id, one in facts.read(tx, today, OFFICE).items():
            if one.area not in DEBT_AREAS:
                continue
            owed = one.principal or sum(
                line.total for line in arrears.lines(tx, ADMIN, one.debtor_id, today) if line.area is one.area
            )
            if not owed:
                found[case_id] = CaseState.PAID
            elif one.flags & EXCLUDING:
                found[case_id] = CaseState.EXCLUDED
            elif one.promise is PromiseOutcome.BROKEN:
                found[case_id] = CaseState.BROKEN
            elif one.promise in (PromiseOutcome.PENDING, PromiseOutcome.PARTLY):
                found[case_id] = CaseState.PROMISED
            else:
                found[case_id] = CaseState.NO_PROMISE if one.reached else CaseState.NOT_CONTACTED
    return found


def tallied(database: Database, today: date) -> dict[tuple[Area, str, str, CaseState], tuple[int, int]]:
    """What the tallies must say, counted from the slow truth."""
    states, sums = truth(database, today), defaultdict(lambda: [0, 0])
    with database.read() as tx:
        districts = dict(
            tx.execute(select(SummaryCode.code, SummaryCode.number).where(SummaryCode.family == "district")).all()
        )
        cases = facts.read(tx, today, OFFICE)
    for case_id, state in states.items():
        one = cases[case_id]
        keys = [("all", "", one.principal), ("district", str(districts.get(one.district, 0)), one.principal)]
        if one.assigned_user or not one.assigned_group:
            keys.append(("officer", str(one.assigned_user or 0), one.principal))
        if one.assigned_group or not one.assigned_user:
            keys.append(("group", str(one.assigned_group or 0), one.principal))
        if state is not CaseState.PAID:
            keys.append(("amount", amount_band(one.principal).value, one.principal))
            if one.oldest:
                keys.append(("age", age_band(one.oldest, today).value, one.principal))
            items: Counter[str] = Counter()
            for item, _, _, _, yen in one.open:
                items[item] += yen
            keys += [("item", item, yen) for item, yen in items.items()]
        for dimension, key, yen in keys:
            sums[one.area, dimension, key, state][0] += 1
            sums[one.area, dimension, key, state][1] += yen
    return {key: (people, yen) for key, (people, yen) in sums.items()}


@dataclass
class Town:
    """A small city whose states were made."""

    database: Database
    officer: Viewer
    now: datetime = NOW

    def step_until_done(self) -> None:
        """What `saikoku jobs` does, a transaction at a time."""
        with self.database.write() as tx:
            summaries.roll(tx, OFFICE.today(self.now))
        while True:
            with self.database.write() as tx:
                if not case_states.step(tx, self.now, OFFICE):
                    return

    def states(self) -> dict[int, CaseState]:
        """What the summaries say."""
        names = {bit: state for state, bit in CASE_STATES.items()}
        with self.database.read() as tx:
            query = select(CaseSummary.case_id, CaseSummary.state).where(CaseSummary.area.in_(DEBT_AREAS))
            return {row.case_id: names[row.state] for row in tx.execute(query)}

    def tallies(self) -> dict[tuple[Area, str, str, CaseState], tuple[int, int]]:
        """What the tallies say, without the rows that are empty by now."""
        with self.database.read() as tx:
            rows = tx.execute(select(StateTally).where((StateTally.people != 0) | (StateTally.yen != 0)))
            return {(row.area, row.dimension, row.key, row.state): (row.people, row.yen) for row in rows}

    def check(self) -> None:
        """Summaries, tallies and today's row are what the slow truth says."""
        today = OFFICE.today(self.now)
        assert self.states() == truth(self.database, today)
        expected = tallied(self.database, today)
        assert self.tallies() == expected
        with self.database.read() as tx:
            rows = tx.execute(select(StateDay).where(StateDay.day == today, StateDay.people > 0))
            assert {(row.area, row.state): (row.people, row.yen) for row in rows} == {
                (area, state): sums for (area, dimension, _, state), sums in expected.items() if dimension == "all"
            }

    def in_state(self, state: CaseState) -> int:
        """Somebody in a state of tax who owes enough to promise something."""
        with self.database.read() as tx:
            query = select(CaseSummary.debtor_id).where(
                CaseSummary.state == CASE_STATES[state], CaseSummary.area == Area.TAX, CaseSummary.principal > 20_000
            )
            return tx.execute(query.order_by(CaseSummary.debtor_id).limit(1)).scalar_one()

    def state_of(self, debtor_id: int) -> CaseState:
        """The state of somebody's tax case."""
        with self.database.read() as tx:
            query = select(CaseSummary.state).where(CaseSummary.debtor_id == debtor_id, CaseSummary.area == Area.TAX)
            bit = tx.execute(query).scalar_one()
        return next(state for state, one in CASE_STATES.items() if one == bit)


@pytest.fixture
def town(database: Database, small: SmallOffice) -> Town:
    """A city of some hundred, with its states made."""
    officer = small.user("officer", "officer", (Area.TAX, Area.PUBLIC, Area.PRIVATE))
    seed_city(database, debtors=250, seed=3, today=TODAY, staff_ids=[officer.user_id])
    made = Town(database, officer)
    made.step_until_done()
    return made


@pytest.mark.req("T10", "T11")
def test_states_and_counts_of_a_city_are_what_the_rows_say(town: Town) -> None:
    town.check()
    assert set(town.states().values()) == set(CaseState)
    with town.database.read() as tx:
        days = tx.execute(select(StateDay.day).distinct().order_by(StateDay.day)).scalars().all()
    assert days == [TODAY - timedelta(days=7 * week) for week in range(case_states.WEEKS, 0, -1)] + [TODAY]


@pytest.mark.req("T10")
def test_the_record_shows_the_state_that_is_counted(town: Town) -> None:
    with town.database.read() as tx:
        rows = tx.execute(
            select(CaseSummary.debtor_id, CaseSummary.area, CaseSummary.state).where(
                CaseSummary.area.in_(DEBT_AREAS), CaseSummary.debtor_id < 40
            )
        ).all()
    for row in rows:
        with town.database.write() as tx:
            shown = open_record(tx, town.officer, row.debtor_id, NOW, OFFICE).states
        assert CASE_STATES[shown[row.area]] == row.state


@pytest.mark.req("T10", "T12")
def test_a_change_of_a_person_moves_them_and_the_counts(town: Town) -> None:
    """A talk, a promise, its payment, a flag and an assignment, each followed by what the daemon does."""
    somebody = town.in_state(CaseState.NOT_CONTACTED)
    entry = Entry("counter_talk")
    with town.database.write() as tx:
        note_contact(tx, town.officer, somebody, Area.TAX, Channel.COUNTER, entry, town.now, OFFICE)
    town.step_until_done()
    assert town.state_of(somebody) is CaseState.NO_PROMISE
    with town.database.write() as tx:
        entry = Entry("counter_talk", promise=[PromiseLine(TODAY + timedelta(days=6), 5_000)])
        note_contact(tx, town.officer, somebody, Area.TAX, Channel.COUNTER, entry, town.now, OFFICE)
    town.step_until_done()
    assert town.state_of(somebody) is CaseState.PROMISED
    town.check()
    with town.database.write() as tx:
        tx.execute(insert(Assignment).values(
            id=new_id(), debtor_id=somebody, area=Area.TAX, user_id=town.officer.user_id, assigned_by=town.officer.user_id,
            assigned_at=NOW,
        ))  # fmt: skip
        tx.execute(insert(Flag).values(debtor_id=somebody, kind=FlagKind.DECEASED))
        summaries.refresh(tx, [somebody], TODAY)
        publish(tx, NOW, "debtor", somebody)
    town.step_until_done()
    assert town.state_of(somebody) is CaseState.EXCLUDED
    town.check()
    with town.database.write() as tx:
        tx.execute(update(Installment).where(Installment.debtor_id == somebody).values(outstanding=0))
        summaries.refresh(tx, [somebody], TODAY)
        publish(tx, NOW, "debtor", somebody)
    town.step_until_done()
    town.check()


@pytest.mark.req("T10", "T12")
def test_time_passing_moves_everybody_whom_a_deadline_concerns(town: Town) -> None:
    town.now = NOW + timedelta(days=40)
    town.step_until_done()
    town.check()
    with town.database.read() as tx:
        assert case_states.last_swept(tx) == OFFICE.today(town.now)
        assert not case_states.pending(tx, town.now, OFFICE)


@pytest.mark.req("T10")
def test_two_daemons_or_a_restart_count_nobody_twice(town: Town) -> None:
    with town.database.write() as tx:
        case_states.rederive(tx, range(1, 251), NOW, OFFICE)
        case_states.rederive(tx, range(1, 251), NOW, OFFICE)
    town.check()


def broken_tasks(town: Town, debtor_id: int) -> list[tuple[str, bool]]:
    """The tasks about broken promises of a person: the note, and whether it is done."""
    with town.database.read() as tx:
        query = select(Task.note, Task.done_at).where(Task.kind == BROKEN_PROMISE, Task.debtor_id == debtor_id)
        return [(row.note, row.done_at is not None) for row in tx.execute(query.order_by(Task.made_at))]


@pytest.mark.req("T12")
def test_a_broken_promise_raises_its_task_once_a_line_and_is_settled_by_paying(town: Town) -> None:
    somebody = town.in_state(CaseState.NOT_CONTACTED)
    lines = [PromiseLine(TODAY + timedelta(days=6), 5_000), PromiseLine(TODAY + timedelta(days=30), 5_000)]
    with town.database.write() as tx:
        entry = Entry("counter_talk", promise=lines)
        note_contact(tx, town.officer, somebody, Area.TAX, Channel.COUNTER, entry, NOW, OFFICE)
    town.step_until_done()
    assert broken_tasks(town, somebody) == []
    town.now = NOW + timedelta(days=6 + OFFICE.grace_days)
    town.step_until_done()
    assert broken_tasks(town, somebody) == [], "the last of the grace days"
    for days in (1, 1, 3):
        town.now += timedelta(days=days)
        town.step_until_done()
        with town.database.write() as tx:
            case_states.rederive(tx, [somebody], town.now, OFFICE)
        assert broken_tasks(town, somebody) == [("第1回（納付期限 令和8年12月3日）", False)]
    pay(town, somebody, 5_000)
    assert broken_tasks(town, somebody) == [("第1回（納付期限 令和8年12月3日）", True)]
    town.now = NOW + timedelta(days=50)
    town.step_until_done()
    assert [done for _, done in broken_tasks(town, somebody)] == [True, False]
    with town.database.write() as tx:
        promise_id = tx.execute(select(Promise.id).where(Promise.debtor_id == somebody)).scalars().one()
        cancel(tx, town.officer, promise_id, "本人死亡", town.now, OFFICE)
    town.step_until_done()
    assert [done for _, done in broken_tasks(town, somebody)] == [True, True]
    town.check()


def pay(town: Town, debtor_id: int, yen: int) -> None:
    """Money came in, and the daemon saw it."""
    with town.database.write() as tx:
        today = OFFICE.today(town.now)
        tx.execute(insert(Payment).values(
            debtor_id=debtor_id, area=Area.TAX, reference=f"T{today}", paid_on=today, reported_on=today, amount=yen,
            place="窓口",
        ))  # fmt: skip
        summaries.refresh(tx, [debtor_id], today)
        publish(tx, town.now, "debtor", debtor_id)
    town.step_until_done()


@pytest.mark.req("T12")
def test_promises_long_broken_when_the_register_starts_raise_no_flood_of_tasks(town: Town) -> None:
    with town.database.read() as tx:
        rows = tx.execute(select(Task.debtor_id).where(Task.kind == BROKEN_PROMISE)).scalars().all()
    broken = [case for case, state in town.states().items() if state is CaseState.BROKEN]
    assert len(rows) < len(broken)


@pytest.mark.req("T10", "T12", "C1")
def test_an_offer_moves_nobody_until_it_is_approved(town: Town, small: SmallOffice) -> None:
    somebody = town.in_state(CaseState.NOT_CONTACTED)
    operator = small.user("operator", "operator")
    lines = [PromiseLine(TODAY + timedelta(days=6), 5_000), PromiseLine(TODAY + timedelta(days=30), 5_000)]
    with town.database.write() as tx:
        note_contact(
            tx, operator, somebody, Area.TAX, Channel.COUNTER, Entry("counter_talk", promise=lines), NOW, OFFICE
        )
    town.step_until_done()
    assert town.state_of(somebody) is CaseState.NO_PROMISE
    with town.database.write() as tx:
        approve(
            tx,
            town.officer,
            tx.execute(select(Promise.id).where(Promise.debtor_id == somebody)).scalar_one(),
            NOW,
            OFFICE,
        )
    town.step_until_done()
    assert town.state_of(somebody) is CaseState.PROMISED


@pytest.mark.req("T10", "T20")
def test_a_large_import_is_followed_by_a_sweep_from_its_first_person_on(town: Town) -> None:
    first = town.in_state(CaseState.NOT_CONTACTED)
    with town.database.write() as tx:
        tx.execute(update(Installment).where(Installment.debtor_id >= first).values(outstanding=0))
        summaries.refresh(tx, range(first, 251), TODAY)
        publish(tx, NOW, case_states.MANY, first)
    town.step_until_done()
    town.check()


def test_a_case_that_is_closed_is_taken_out(town: Town) -> None:
    with town.database.write() as tx:
        case_id = tx.execute(select(CaseCount.case_id).limit(1)).scalar_one()
        row = tx.execute(select(CaseFile).where(CaseFile.id == case_id)).one()
        tx.execute(CaseSummary.__table__.delete().where(CaseSummary.case_id == case_id))
        publish(tx, NOW, "debtor", row.debtor_id)
    town.step_until_done()
    with town.database.read() as tx:
        left = tx.execute(select(CaseCount.case_id)).scalars().all()
        people = tx.execute(select(StateTally.people).where(StateTally.dimension == "all")).scalars().all()
    assert case_id not in left
    assert sum(people) == len(left)
