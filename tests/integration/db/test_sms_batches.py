"""Batches in the register: whom they write to, who lets them go, and that nothing is lost or sent twice (S2, S3, S6)."""

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text, update

from db.engine import Database
from db.rules.sms import PartOutcome, SmsState
from db.rules.sms_batches import BatchSettings, BatchState, NumberRule
from db.rules.terms import Area, Channel, FlagKind, PhoneOwner
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.claims import Payment
from db.schema.contacts import Contact
from db.schema.merges import MergedPerson
from db.schema.people import Phone
from db.schema.sms import SmsBatch, SmsBatchTarget, SmsMessage, SmsPart
from db.schema.staff import AccessLog
from db.store import callers
from db.store import sms_batches as store
from db.usecases import sms, sms_batch_desk, sms_batches, sms_fate, sms_templates, stop
from db.usecases.office import Office
from db.usecases.sms import Submitted, Wording
from db.usecases.sms_batch_desk import BatchError, Progress
from tests.integration.db.floor import Floor
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

SETTINGS = BatchSettings(name="秋の案内", per_minute=600)
ACCEPTED = PartOutcome(SmsState.ACCEPTED, "1a", ("1a",))
SECOND = timedelta(seconds=1)


class Batches(Floor):
    """Makes lists and batches, and goes through them as the daemons do."""

    def __init__(self, small: SmallOffice) -> None:
        super().__init__(small)
        self.now = NOW
        self.other = small.user("other", "officer")
        with self.database.write() as tx:
            self.template = sms_templates.save(
                tx, self.boss, Area.TAX, None, "案内", "{市名}です。お電話ください。", NOW, Wording(), "みなと野市"
            )

    def make(self, settings: BatchSettings = SETTINGS, who: Viewer | None = None) -> uuid.UUID:
        listed = self.list_of()
        with self.database.write() as tx:
            return sms_batch_desk.make(
                tx, who or self.boss, Area.TAX, listed, self.template, settings, self.now, OFFICE, Wording(), "みなと野市"
            )  # fmt: skip

    def act(self, use_case: Any, *args: Any, who: Viewer | None = None) -> None:
        self.now += SECOND
        with self.database.write() as tx:
            use_case(tx, who or self.boss, *args, self.now)

    def prepare(self, batch: uuid.UUID, most: int = 50) -> int:
        """Go through the list; returns in how many steps."""
        steps = 0
        while True:
            steps += 1
            with self.database.write() as tx:
                if sms_batches.prepare(tx, batch, self.now, OFFICE, most):
                    return steps

    def run_it(self, settings: BatchSettings = SETTINGS) -> uuid.UUID:
        batch = self.make(settings)
        self.act(sms_batch_desk.begin, batch)
        self.prepare(batch)
        self.act(sms_batch_desk.approve, batch)
        return batch

    def take(self, most: int = 100, office: Office = OFFICE) -> list[sms.ReadyMessage]:
        with self.database.write() as tx:
            return sms.claim(tx, self.now, office, most)

    def settle(self, message: uuid.UUID, outcome: PartOutcome = ACCEPTED, route: str = "docomo") -> None:
        with self.database.write() as tx:
            sms.settle(tx, [Submitted(message, route, 1, (outcome,))], self.now, OFFICE)

    def state(self, batch: uuid.UUID) -> BatchState:
        with self.database.read() as tx:
            found = store.find(tx, batch)
        assert found is not None
        return found.state

    def progress(self, batch: uuid.UUID) -> Progress:
        with self.database.read() as tx:
            found = store.find(tx, batch)
            assert found is not None
            return sms_batch_desk.progress(tx, found)

    def single(self, debtor: int, *, not_before: datetime | None = None) -> uuid.UUID:
        with self.database.write() as tx:
            phone = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor)).scalars().first() or 0
            return sms.queue(
                tx, self.boss, debtor, phone, Area.TAX, "お電話ください。", self.now, OFFICE, Wording(), not_before=not_before
            )  # fmt: skip


@pytest.fixture
def batches(small: SmallOffice) -> Batches:
    return Batches(small)


# -- whom it writes to -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S3", "C4")
def test_everybody_on_the_list_gets_one_message_or_a_reason_why_not(batches: Batches) -> None:
    fine = batches.people(2)
    batches.people(1, phone=None)
    batches.people(1, flags=(FlagKind.LAWYER,))
    batches.people(1, flags=(FlagKind.NO_SMS,))
    batches.people(1, name="お電話 花子", kana="オデンワ ハナコ")
    shared = batches.people(2, phone="+819099990000")
    merged = batches.people(2)
    (wifes,) = batches.people(1)
    with batches.database.write() as tx:
        tx.execute(insert(MergedPerson), [{"debtor_id": one, "person_id": merged[0]} for one in merged])
        tx.execute(update(Phone).where(Phone.debtor_id == wifes).values(owner=PhoneOwner.SPOUSE))
    batch = batches.make()
    batches.act(sms_batch_desk.begin, batch)
    batches.prepare(batch, 1)
    seen = batches.progress(batch)
    assert seen.left_out == {
        "no_mobile": 1, "flag_lawyer": 1, "flag_no_sms": 1, "name_in_text": 1, "same_number": 1, "same_person": 1,
        "not_own": 1,
    }  # fmt: skip
    assert seen.queued == 4
    assert seen.looked_at == 11
    with batches.database.read() as tx:
        written = set(tx.execute(select(SmsMessage.debtor_id)).scalars())
        logged = tx.execute(select(AccessLog.debtor_id).where(AccessLog.action == "sms.queue")).scalars().all()
    assert written == {*fine, shared[0], merged[0]}
    assert set(logged) == written
    assert batches.state(batch) is BatchState.WAITING
    assert batches.take() == []  # nobody has let it go


@pytest.mark.req("S3")
def test_other_numbers_come_after_the_persons_own(batches: Batches) -> None:
    (both,) = batches.people(1)
    batches.people(1)
    with batches.database.write() as tx:
        batches.small.phone(tx, both, "+819088880000")
        tx.execute(update(Phone).where(Phone.number != "+819088880000").values(owner=PhoneOwner.SPOUSE, rank=0))
    batches.run_it(replace(SETTINGS, number_rule=NumberRule.ANY))
    numbers = {ready.number for ready in batches.take()}
    assert "+819088880000" in numbers
    assert len(numbers) == 2


@pytest.mark.req("S6")
def test_a_step_that_breaks_leaves_nobody_out_and_nobody_twice(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = batches.people(7)
    batch = batches.make()
    batches.act(sms_batch_desk.begin, batch)
    with batches.database.write() as tx:
        assert not sms_batches.prepare(tx, batch, batches.now, OFFICE, 3)
        assert sms_batches.unfinished(tx) == [batch]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("db.usecases.sms_batches.access_log.append_each", killed)
        with pytest.raises(KeyboardInterrupt), batches.database.write() as tx:
            sms_batches.prepare(tx, batch, batches.now, OFFICE, 3)
    assert batches.prepare(batch, 3) == 2
    with batches.database.read() as tx:
        assert tx.execute(select(SmsMessage.debtor_id).order_by(SmsMessage.debtor_id)).scalars().all() == people
        assert tx.execute(select(func.count()).select_from(SmsBatchTarget)).scalar_one() == 7
        assert sms_batches.unfinished(tx) == []


@pytest.mark.req("S6")
def test_two_daemons_that_looked_at_the_same_people_keep_them_once(batches: Batches) -> None:
    people = batches.people(5)
    batch = batches.make()
    batches.act(sms_batch_desk.begin, batch)
    with batches.database.read() as tx:
        one, other = (sms_batches.scan(tx, batch, batches.now, OFFICE, 3) for _ in range(2))
    assert one
    assert other
    with batches.database.write() as tx:
        assert not sms_batches.keep(tx, one, batches.now)
    with batches.database.write() as tx:
        assert not sms_batches.keep(tx, other, batches.now)
    batches.prepare(batch)
    with batches.database.read() as tx:
        assert sorted(tx.execute(select(SmsMessage.debtor_id)).scalars()) == people


# -- who lets it go ----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S2", "C1")
def test_above_a_size_somebody_else_approves(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.usecases.sms_batch_desk.APPROVAL_ABOVE", 2)
    batches.people(3)
    with pytest.raises(NotAllowedError):
        batches.make(who=batches.small.user("op"))
    batch = batches.make()
    with pytest.raises(BatchError, match="下書き"):
        batches.act(sms_batch_desk.approve, batch)
    batches.act(sms_batch_desk.begin, batch)
    batches.prepare(batch)
    with pytest.raises(BatchError, match="本人以外"):
        batches.act(sms_batch_desk.approve, batch)
    stranger = batches.small.user("welfare", "officer", (Area.PUBLIC,))
    with pytest.raises(BatchError, match="該当する一括送信がありません"):
        batches.act(sms_batch_desk.approve, batch, who=stranger)
    with batches.database.read() as tx:
        seen = [
            [row.id for row, _ in sms_batch_desk.to_approve(tx, who)] for who in (batches.boss, batches.other, stranger)
        ]
    assert seen == [[], [batch], []]
    batches.act(sms_batch_desk.approve, batch, who=batches.other)
    assert batches.state(batch) is BatchState.RUNNING
    assert len(batches.take()) == 3


@pytest.mark.req("S2", "S7")
def test_what_cannot_be_sent_is_told_when_it_is_made(batches: Batches) -> None:
    batches.people(1)
    with pytest.raises(BatchError) as told:
        batches.make(replace(SETTINGS, name="", per_minute=0))
    assert set(told.value.fields) == {"name", "per_minute"}
    with batches.database.write() as tx:
        listed = select(SmsMessage.id)
        assert tx.execute(listed).all() == []


# -- sending -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S2")
def test_a_single_message_goes_before_a_batch_and_a_batch_keeps_its_pace(batches: Batches) -> None:
    people = batches.people(8)
    batches.run_it(replace(SETTINGS, per_minute=12))  # two in ten seconds
    (alone,) = batches.people(1)
    single = batches.single(alone)
    first, second = batches.take(2)
    assert first.id == single
    assert first.turn < second.turn  # at the link too, whichever was claimed first
    taken = [second, *batches.take()]
    assert len(taken) == 2
    assert batches.take() == []
    batches.now += timedelta(seconds=11)
    taken += batches.take()
    assert len(taken) == 4
    with batches.database.read() as tx:
        written = tx.execute(select(SmsMessage.debtor_id).where(SmsMessage.id.in_([one.id for one in taken])))
        assert set(written.scalars()) <= set(people)


@pytest.mark.req("S2", "P4")
def test_a_batch_waits_for_its_start_its_hours_and_an_emergency_stop_and_rests_when_paused(batches: Batches) -> None:
    batches.people(4)
    starts = NOW + timedelta(hours=1)
    batch = batches.run_it(replace(SETTINGS, starts_at=starts, closes=time(15), per_minute=6))  # one in ten seconds
    assert batches.take() == []
    batches.now = starts + SECOND
    assert len(batches.take()) == 1
    batches.now += timedelta(minutes=1)
    batches.act(sms_batch_desk.pause, batch)
    assert batches.take() == []
    batches.act(sms_batch_desk.resume, batch)
    with batches.database.write() as tx:
        stop.stop(tx, ADMIN, "訓練", batches.now)
    assert batches.take() == []
    with batches.database.write() as tx:
        stop.resume(tx, ADMIN, batches.now)
    assert len(batches.take()) == 1
    for hours in (5, 10):  # 15:30, when the office still calls, and 20:30
        batches.now = NOW + timedelta(hours=hours)
        assert batches.take() == []
    batches.now = NOW + timedelta(days=4)  # Saturday
    assert batches.take() == []
    with batches.database.read() as tx:  # nothing was touched meanwhile
        waiting = select(SmsMessage.not_before).where(SmsMessage.state == SmsState.QUEUED)
        assert set(tx.execute(waiting).scalars()) == {starts}


@pytest.mark.req("S6", "S2")
def test_a_stopped_batch_sends_nothing_more_and_what_waited_is_taken_back_in_steps(batches: Batches) -> None:
    batches.people(5)
    batch = batches.run_it(replace(SETTINGS, per_minute=6))
    (sent,) = batches.take()
    with pytest.raises(BatchError, match="理由"):
        batches.act(lambda tx, who, now: sms_batch_desk.stop(tx, who, batch, " ", now))
    batches.act(lambda tx, who, now: sms_batch_desk.stop(tx, who, batch, "文面の誤り", now))
    batches.now += timedelta(minutes=1)
    assert batches.take() == []
    assert batches.prepare(batch, 3) == 2
    batches.settle(sent.id)  # what was on its way is still told of
    seen = batches.progress(batch)
    assert (seen.of(SmsState.REFUSED), seen.of(SmsState.ACCEPTED), seen.sent) == (4, 1, 1)
    with pytest.raises(BatchError, match="中止"):
        batches.act(sms_batch_desk.resume, batch)


@pytest.mark.req("S6", "C4")
def test_a_batch_is_done_once_nothing_waits_and_whoever_had_enough_today_waits_for_tomorrow(batches: Batches) -> None:
    often, _ = batches.people(2)
    batch = batches.run_it()
    with batches.database.write() as tx:
        for _ in range(2):
            tx.execute(
                insert(Contact).values(
                    id=uuid.uuid4(), debtor_id=often, area=Area.TAX, channel=Channel.CALL_OUT, at=batches.now,
                    user_id=batches.boss.user_id, number="+81422000000", answered_by="nobody", disposition="no_answer",
                    recorded_at=batches.now,
                )
            )  # fmt: skip
    (ready,) = batches.take()
    batches.settle(ready.id)
    assert batches.take() == []
    assert batches.state(batch) is BatchState.RUNNING
    batches.now += timedelta(days=1)
    (ready,) = batches.take()
    assert batches.take() == []
    batches.settle(ready.id, PartOutcome(SmsState.QUEUED, reason="回線がありません。"))
    assert batches.take() == []
    assert batches.state(batch) is BatchState.RUNNING
    batches.now += sms.TRY_AGAIN
    (again,) = batches.take()
    assert again.id == ready.id
    batches.settle(again.id, PartOutcome(SmsState.UNKNOWN))
    batches.take()
    assert batches.state(batch) is BatchState.DONE


@pytest.mark.req("T5", "S6")
def test_a_return_call_answers_a_batch_message_only_once_it_went_out(batches: Batches) -> None:
    (debtor,) = batches.people(1)
    batch = batches.run_it()

    def answers() -> uuid.UUID | None:
        later = batches.now + timedelta(hours=1)
        with batches.database.read() as tx:
            return callers.answered(tx, batches.boss, debtor, Area.TAX, later, NOW - timedelta(days=14))

    assert answers() is None
    (ready,) = batches.take()
    assert answers() is None
    batches.settle(ready.id)
    contact = answers()
    assert contact is not None
    with batches.database.write() as tx:
        tx.execute(
            insert(Contact).values(
                id=uuid.uuid4(), debtor_id=debtor, area=Area.TAX, channel=Channel.CALL_IN, at=NOW + timedelta(days=2),
                user_id=batches.boss.user_id, number=ready.number, answered_by="self", disposition="talked_self",
                recorded_at=NOW, answers_id=contact,
            )
        )  # fmt: skip
        for paid_on, reference in ((date(2026, 11, 23), "before"), (date(2026, 11, 30), "after")):
            tx.execute(
                insert(Payment).values(
                    debtor_id=debtor,
                    area=Area.TAX,
                    reference=reference,
                    paid_on=paid_on,
                    reported_on=paid_on,
                    amount=100,
                    place="窓口",
                )
            )
        found = store.find(tx, batch)
        assert found is not None
        seen = sms_batch_desk.results(tx, found)
    assert (seen.sent, seen.called, seen.paid) == (1, {1: 0, 3: 1, 7: 1}, {1: 0, 3: 0, 7: 1})
    assert seen.routes == {"docomo": {SmsState.ACCEPTED: 1}}
    assert [hour.hour for hour in seen.hours] == [10]


@pytest.mark.req("S6")
def test_a_claim_asks_little_and_reads_the_contacts_of_its_own_people_only(
    batches: Batches, database: Database
) -> None:
    """SQLite without statistics took a unique index for `corrects_id IS NULL`: every contact of the city, at each claim and dial."""
    batches.people(3)
    batches.run_it()
    asked: list[str] = []
    plans: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append(statement)
        if database.is_sqlite and "FROM contact" in statement:
            plans.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with database.write() as tx:
        event.listen(tx, "before_cursor_execute", note)
        assert len(sms.claim(tx, batches.now, OFFICE, 100)) == 3
        event.remove(tx, "before_cursor_execute", note)
    assert len(asked) <= 25, asked  # however many are claimed; of these those of batches are eight
    assert bool(plans) is database.is_sqlite
    assert not [plan for plan in plans if "corrects_id" in plan or plan.startswith("SCAN contact")]


@pytest.mark.req("S2")
def test_a_batch_that_is_over_is_counted_ever_more_rarely(batches: Batches, database: Database) -> None:
    """The page of all batches is fetched again with every message; it must not walk through all messages of all batches each time."""
    batches.people(1)
    batch_id, counts, hour = batches.run_it(), sms_batch_desk.Counts(), timedelta(hours=1)

    def seen(at: datetime) -> tuple[datetime, int]:
        with database.read() as tx:
            row = store.find(tx, batch_id)
            assert row is not None
            counted_at, progress = counts.of(tx, row, at)
            return counted_at, progress.sent

    def stands(state: SmsState) -> None:
        with database.write() as tx:
            tx.execute(update(SmsMessage).values(state=state))

    assert seen(NOW) == (NOW, 0)
    stands(SmsState.ACCEPTED)
    assert seen(NOW) == (NOW, 1), "one that runs is counted each time"
    with database.write() as tx:
        tx.execute(update(SmsBatch).values(state=BatchState.DONE, ended_at=NOW))
    assert seen(NOW + hour) == (NOW + hour, 1)
    stands(SmsState.REFUSED)
    assert seen(NOW + hour + timedelta(minutes=2)) == (NOW + hour, 1)
    assert seen(NOW + hour + timedelta(minutes=3)) == (NOW + hour + timedelta(minutes=3), 0)


@pytest.mark.req("S2")
def test_what_is_due_is_found_by_a_walk_along_the_index(batches: Batches, database: Database) -> None:
    """A single message must not wait behind, nor be looked for among, a hundred thousand of a batch."""
    batches.people(1)
    batch = batches.run_it()
    with database.write() as tx:
        row = dict(tx.execute(select(SmsMessage)).one()._mapping)
        single = {**row, "batch_id": None}
        old = {**single, "state": SmsState.DELIVERED}  # single ones, sent long ago
        for kept in (row, single, old):
            tx.execute(
                insert(SmsMessage), [{**kept, "id": uuid.uuid4(), "number": f"+8190{n:08d}"} for n in range(100, 3100)]
            )
        arrived = {"number": 1, "state": SmsState.DELIVERED, "carrier_id": "1", "submitted_at": NOW}
        ids = tx.execute(select(SmsMessage.id)).scalars().all()
        tx.execute(insert(SmsPart), [arrived | {"message_id": one} for one in ids])
    with database.write() as tx:
        tx.execute(text("ANALYZE"))
        seen = []
        how = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
        week = {"route": "a", "before": NOW + timedelta(days=1), "after": NOW - timedelta(days=7), "most": 50}
        query = sms_fate.UNHEARD.params(**week).compile(tx, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in tx.execute(text(f"{how} {query}")))
        assert "ix_sms_part_open" in plan, plan
        for batch_id in (None, batch):
            asked = sms.due_query(single=batch_id is None).params(of_batch=batch_id, now=NOW, most=10)
            query = asked.compile(tx, compile_kwargs={"literal_binds": True})
            seen.append(" ".join(str(row) for row in tx.execute(text(f"{how} {query}"))))
    for plan in seen:
        assert "ix_sms_message_queue" in plan, plan
        assert "SCAN sms_message" not in plan, plan
        assert "Seq Scan on sms_message" not in plan, plan
        assert "Sort" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan
