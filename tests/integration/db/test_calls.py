"""From the click to the recorded result, as the register sees it (T1, T3, T7, C4, C5)."""

import threading
import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from db.engine import Database
from db.outbox import Cursor, changes_after
from db.rules.promises import Footing, PromiseLine
from db.rules.telephony import AttemptResult, AttemptState, CallState, DutyState, EndedBy
from db.rules.terms import Area, FlagKind, PhoneStatus
from db.rules.viewer import NotAllowedError
from db.schema.calls import Attempt, Call
from db.schema.contacts import Contact, Promise, Recall
from db.schema.contacts import PromiseLine as PromiseLineRow
from db.schema.people import Flag, Phone
from db.schema.work import Task
from db.store import access_log, office
from db.usecases import calls, commands, duty, identity, records, results
from db.usecases.calls import CallError, ContactRefusedError, Go
from db.usecases.duty import DutyError
from db.usecases.entries import EntryError
from db.usecases.recalls import RecallEntry
from db.usecases.results import Entry
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

SOON = timedelta(seconds=5)


class Line:
    """One operator, on duty and ready, with one debtor."""

    def __init__(
        self, small: SmallOffice, *, level: str = "operator", contracted: bool = False, **debtor: object
    ) -> None:
        self.database = small.database
        self.viewer = small.user("op", level, contracted=contracted)
        self.seat = small.seat()
        self.debtor_id = small.debtor(**debtor)  # type: ignore[arg-type]
        with self.database.write() as tx:
            self.phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == self.debtor_id)).scalar_one()
            taken = duty.take_seat(tx, self.viewer, self.seat, NOW)
            duty.leg_answered(tx, taken.leg_id, NOW)
        self.leg_id = taken.leg_id

    def place(self, *, deliberate: bool = False, phone_id: int | None = None) -> uuid.UUID:
        with self.database.write() as tx:
            return calls.place_call(
                tx, self.viewer, self.debtor_id, phone_id or self.phone_id, Area.TAX, NOW, OFFICE, deliberate=deliberate
            )

    def authorize(self, attempt_id: uuid.UUID) -> Go | None:
        with self.database.write() as tx:
            return calls.authorize(tx, attempt_id, NOW + SOON, OFFICE)

    def talk(self) -> uuid.UUID:
        attempt_id = self.place()
        assert self.authorize(attempt_id)
        with self.database.write() as tx:
            calls.ringing(tx, attempt_id, NOW + SOON)
            calls.joined(tx, attempt_id, NOW + 2 * SOON)
        return attempt_id

    def hang_up(self, attempt_id: uuid.UUID, cause: int = 16) -> None:
        with self.database.write() as tx:
            calls.ended(tx, attempt_id, NOW + 10 * SOON, cause, by=EndedBy.PERSON)

    def confirm(
        self, call_id: uuid.UUID, kana: str = "やまだたろう", born: str = "昭和55年5月3日", home: str = "見本町1-2-3"
    ) -> bool:
        with self.database.write() as tx:
            return identity.confirm_identity(
                tx, self.viewer, call_id, kana=kana, birth_date=born, address=home, now=NOW, office=OFFICE
            )

    def save(self, call_id: uuid.UUID, entry: Entry, after: timedelta = 11 * SOON) -> uuid.UUID:
        with self.database.write() as tx:
            return results.record_result(tx, self.viewer, call_id, entry, NOW + after, OFFICE)

    def state(self) -> DutyState:
        with self.database.read() as tx:
            return duty.required(tx, self.viewer).state

    def attempt(self, attempt_id: uuid.UUID) -> tuple[AttemptState, AttemptResult | None]:
        with self.database.read() as tx:
            row = tx.execute(select(Attempt.state, Attempt.result).where(Attempt.id == attempt_id)).one()
            return row.state, row.result


@pytest.fixture
def line(small: SmallOffice) -> Line:
    return Line(small)


@pytest.mark.req("T3")
def test_a_click_becomes_an_attempt_a_reservation_and_a_command(line: Line) -> None:
    attempt_id = line.place()
    assert line.attempt(attempt_id) == (AttemptState.PREPARED, None)
    assert line.state() is DutyState.BUSY
    with line.database.write() as tx:
        wanted = commands.claim(tx, "main", NOW)
        assert [(w.kind, w.subject) for w in wanted][-1] == (commands.CommandKind.PLACE, attempt_id)
        assert commands.claim(tx, "main", NOW) == []


@pytest.mark.req("T3")
def test_a_command_nobody_took_in_time_is_never_carried_out(line: Line) -> None:
    line.place()
    with line.database.write() as tx:
        assert commands.claim(tx, "main", NOW + timedelta(seconds=11)) == []


@pytest.mark.req("T3")
def test_the_bridge_gets_what_it_needs_and_only_once(line: Line) -> None:
    attempt_id = line.place()
    go = line.authorize(attempt_id)
    assert go is not None
    assert (go.number, go.seat, go.leg_id) == ("+819011112222", "1001", line.leg_id)
    assert line.attempt(attempt_id)[0] is AttemptState.SENT
    assert line.authorize(attempt_id) is None


@pytest.mark.req("T3")
@pytest.mark.req("T7")
def test_wrap_up_is_owed_until_the_result_is_saved(line: Line) -> None:
    call_id = line.talk()
    line.hang_up(call_id)
    assert line.state() is DutyState.WRAP_UP
    with pytest.raises(DutyError, match="後処理"):
        line.place()
    with pytest.raises(DutyError), line.database.write() as tx:
        duty.go_home(tx, line.viewer, NOW)
    line.save(call_id, Entry("talked_self", note="来週払うとのこと"))
    assert line.state() is DutyState.READY


@pytest.mark.req("T7")
def test_a_result_saved_while_talking_frees_the_operator_when_the_call_ends(line: Line) -> None:
    call_id = line.talk()
    line.save(call_id, Entry("talked_self"))
    assert line.state() is DutyState.BUSY
    line.hang_up(call_id)
    assert line.state() is DutyState.READY


@pytest.mark.req("T7")
def test_a_result_is_saved_once(line: Line) -> None:
    call_id = line.talk()
    line.hang_up(call_id)
    line.save(call_id, Entry("talked_self"))
    with pytest.raises(EntryError) as refused:
        line.save(call_id, Entry("talked_self"))
    assert refused.value.code == "already_saved"


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("cause", "result"),
    [
        (17, AttemptResult.BUSY),
        (19, AttemptResult.NO_ANSWER),
        (1, AttemptResult.UNALLOCATED),
        (34, AttemptResult.TRUNK_FAULT),
    ],
)
def test_a_call_that_nobody_answers_ends_by_its_cause(line: Line, cause: int, result: AttemptResult) -> None:
    call_id = line.place()
    line.authorize(call_id)
    line.hang_up(call_id, cause)
    assert line.attempt(call_id) == (AttemptState.ENDED, result)
    assert line.state() is DutyState.WRAP_UP


@pytest.mark.req("T3")
def test_events_that_come_twice_or_late_change_nothing(line: Line) -> None:
    call_id = line.talk()
    line.hang_up(call_id)
    with line.database.write() as tx:
        calls.ringing(tx, call_id, NOW)
        calls.joined(tx, call_id, NOW)
        calls.ended(tx, call_id, NOW, 17)
        calls.unknown(tx, call_id, NOW)
        calls.held(tx, call_id, NOW)
    assert line.attempt(call_id) == (AttemptState.ENDED, AttemptResult.ANSWERED)
    with line.database.read() as tx:
        assert tx.execute(select(Call.state)).scalar_one() is CallState.ENDED


@pytest.mark.req("T3")
def test_an_unknown_outcome_is_a_task_and_is_not_dialled_again(line: Line) -> None:
    call_id = line.place()
    line.authorize(call_id)
    with line.database.write() as tx:
        calls.unknown(tx, call_id, NOW)
        calls.unknown(tx, call_id, NOW)
        assert tx.execute(select(Task.kind, Task.subject_id)).all() == [("call_unknown", call_id)]
    assert line.authorize(call_id) is None
    assert line.state() is DutyState.WRAP_UP
    line.save(call_id, Entry("outcome_unknown"))
    with line.database.read() as tx:
        assert tx.execute(select(Task.done_by)).scalar_one() == line.viewer.user_id
    assert line.state() is DutyState.READY


@pytest.mark.req("T3")
def test_a_call_that_no_bridge_has_taken_up_is_taken_back_at_once(line: Line) -> None:
    call_id = line.place()
    with line.database.write() as tx:
        calls.request(tx, line.viewer, call_id, commands.CommandKind.HANG_UP, NOW)
        assert [w for w in commands.claim(tx, "main", NOW) if w.subject == call_id] == []
    assert line.attempt(call_id)[0] is AttemptState.REFUSED
    assert line.state() is DutyState.READY


@pytest.mark.req("T3")
def test_a_call_that_is_being_dialled_is_hung_up_by_the_bridge(line: Line) -> None:
    call_id = line.place()
    with line.database.write() as tx:
        commands.claim(tx, "main", NOW)
        calls.request(tx, line.viewer, call_id, commands.CommandKind.HANG_UP, NOW)
        assert [w.kind for w in commands.claim(tx, "main", NOW)] == [commands.CommandKind.HANG_UP]


@pytest.mark.req("C4")
def test_the_rule_is_asked_again_at_the_last_moment(line: Line) -> None:
    """A payment, a flag or the emergency stop that arrives between click and Originate stops the call."""
    attempt_id = line.place()
    with line.database.write() as tx:
        tx.execute(insert(Flag).values(debtor_id=line.debtor_id, kind=FlagKind.LAWYER))
    assert line.authorize(attempt_id) is None
    assert line.attempt(attempt_id)[0] is AttemptState.REFUSED
    assert line.state() is DutyState.READY
    with line.database.read() as tx:
        assert "弁護士" in tx.execute(select(Attempt.refusal)).scalar_one()


@pytest.mark.req("C4")
@pytest.mark.req("P4")
def test_the_emergency_stop_stops_a_click(line: Line) -> None:
    with line.database.write() as tx:
        office.put(tx, ADMIN, office.EMERGENCY_STOP, new=True, now=NOW)
    with pytest.raises(ContactRefusedError) as refused:
        line.place()
    assert [reason.code for reason in refused.value.reasons] == ["emergency_stop"]


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("flag", "code"),
    [(FlagKind.LAWYER, "flag_lawyer"), (FlagKind.DECEASED, "flag_deceased"), (FlagKind.PROTECTED, "flag_protected")],
)
def test_flags_stop_a_click(small: SmallOffice, flag: FlagKind, code: str) -> None:
    line = Line(small, flags=(flag,))
    with pytest.raises(ContactRefusedError) as refused:
        line.place(deliberate=True)
    assert code in [reason.code for reason in refused.value.reasons]
    assert line.state() is DutyState.READY


@pytest.mark.req("C4")
def test_stale_data_and_a_paid_debt_stop_a_click(small: SmallOffice) -> None:
    line = Line(small, owes=0, data_as_of=NOW - timedelta(days=9))
    with pytest.raises(ContactRefusedError) as refused:
        line.place()
    assert {"paid", "stale_data"} <= {reason.code for reason in refused.value.reasons}


@pytest.mark.req("C4")
def test_an_officer_may_insist_against_a_cap_and_contracted_staff_may_not(small: SmallOffice) -> None:
    line = Line(small, level="contracted_operator", contracted=True)
    for _ in range(2):
        call_id = line.place()
        line.authorize(call_id)
        line.hang_up(call_id, 19)
        line.save(call_id, Entry("no_answer"))
    with pytest.raises(ContactRefusedError) as refused:
        line.place(deliberate=True)
    assert not refused.value.deliberate_may
    line.viewer = replace(line.viewer, contracted=False)
    with pytest.raises(ContactRefusedError) as refused:
        line.place()
    assert refused.value.deliberate_may
    assert line.place(deliberate=True)


@pytest.mark.req("C4")
def test_a_trunk_fault_is_not_the_citizens_attempt(line: Line) -> None:
    for _ in range(3):
        call_id = line.place()
        line.authorize(call_id)
        line.hang_up(call_id, 34)
        line.save(call_id, Entry("trunk_fault"))


@pytest.mark.req("T3")
def test_only_numbers_on_the_record_can_be_dialled(line: Line, small: SmallOffice) -> None:
    stranger = small.debtor("佐藤 花子", "サトウ ハナコ", phone="+819033334444")
    with line.database.read() as tx:
        strangers_phone = tx.execute(select(Phone.id).where(Phone.debtor_id == stranger)).scalar_one()
    with pytest.raises(CallError) as refused:
        line.place(phone_id=strangers_phone)
    assert refused.value.code == "not_on_record"


@pytest.mark.req("T3")
def test_two_clicks_at_once_reserve_the_operator_once(line: Line) -> None:
    line.place()
    with pytest.raises(CallError) as refused:
        line.place()
    assert refused.value.code == "contact_refused"  # the person is being called already


@pytest.mark.req("T3")
def test_a_second_person_cannot_take_the_operator(line: Line, small: SmallOffice) -> None:
    line.place()
    line.debtor_id = small.debtor("佐藤 花子", "サトウ ハナコ", phone="+819033334444")
    with line.database.read() as tx:
        line.phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == line.debtor_id)).scalar_one()
    with pytest.raises(DutyError):
        line.place()


@pytest.mark.req("C1")
def test_nobody_touches_anothers_call(line: Line, small: SmallOffice) -> None:
    call_id = line.talk()
    other = small.user("other", "supervisor")
    for attack in (
        lambda tx: calls.request(tx, other, call_id, commands.CommandKind.HANG_UP, NOW),
        lambda tx: results.record_result(tx, other, call_id, Entry("talked_self"), NOW, OFFICE),
        lambda tx: identity.confirm_identity(
            tx, other, call_id, kana="", birth_date="", address="", now=NOW, office=OFFICE
        ),
    ):
        with pytest.raises(CallError) as refused, line.database.write() as tx:
            attack(tx)
        assert refused.value.code == "no_such_call"


@pytest.mark.req("T3")
def test_hold_and_resume_follow_the_calls_state(line: Line) -> None:
    call_id = line.talk()
    with line.database.write() as tx:
        calls.request(tx, line.viewer, call_id, commands.CommandKind.HOLD, NOW)
        calls.held(tx, call_id, NOW)
    with pytest.raises(CallError), line.database.write() as tx:
        calls.request(tx, line.viewer, call_id, commands.CommandKind.HOLD, NOW)
    with line.database.write() as tx:
        calls.request(tx, line.viewer, call_id, commands.CommandKind.RESUME, NOW)


@pytest.mark.req("C5")
def test_the_record_is_masked_on_a_call_until_identity_is_confirmed(line: Line) -> None:
    call_id = line.talk()
    assert open_record(line).masked
    assert not line.confirm(call_id, born="昭和55年5月4日")
    assert open_record(line).masked
    assert line.confirm(call_id)
    shown = open_record(line)
    assert shown.open is not None
    assert shown.open.outstanding == 48_000


@pytest.mark.req("C5")
def test_a_masked_record_holds_nothing_to_leak(line: Line) -> None:
    line.talk()
    shown = open_record(line)
    assert (shown.open, shown.person.birth_date, shown.states) == (None, None, {})


@pytest.mark.req("C5")
def test_contracted_staff_see_no_amounts_outside_a_confirmed_call(small: SmallOffice) -> None:
    line = Line(small, level="contracted_operator", contracted=True)
    assert open_record(line).masked
    call_id = line.talk()
    line.confirm(call_id)
    assert not open_record(line).masked
    line.hang_up(call_id)
    line.save(call_id, Entry("talked_self"))
    assert open_record(line).masked


@pytest.mark.req("C5")
def test_guessing_ends_after_three_tries(line: Line) -> None:
    call_id = line.talk()
    for day in ("昭和55年5月4日", "昭和55年5月5日", "昭和55年5月6日"):
        assert not line.confirm(call_id, born=day)
    with pytest.raises(CallError) as refused:
        line.confirm(call_id)
    assert refused.value.code == "identity_tries"


@pytest.mark.req("T1")
@pytest.mark.req("T7")
@pytest.mark.req("T12")
def test_result_promise_recall_and_comment_go_in_at_once(line: Line) -> None:
    call_id = line.talk()
    line.confirm(call_id)
    line.hang_up(call_id)
    entry = Entry(
        "talked_self",
        note="ボーナスで支払うとのこと",
        next_step="入金確認",
        promise=(PromiseLine(date(2026, 12, 10), 20_000), PromiseLine(date(2027, 1, 12), 28_000)),
        recall=RecallEntry(NOW + timedelta(days=20), note="入金がなければ"),
    )
    contact_id = line.save(call_id, entry)
    with line.database.read() as tx:
        kept = tx.execute(select(Contact)).one()
        assert (kept.id, kept.note, kept.call_id, kept.number) == (
            contact_id,
            "ボーナスで支払うとのこと",
            call_id,
            "+819011112222",
        )
        assert tx.execute(select(PromiseLineRow.amount).order_by(PromiseLineRow.number)).scalars().all() == [
            20_000,
            28_000,
        ]
        assert tx.execute(select(Recall.note)).scalar_one() == "入金がなければ"
    shown = open_record(line)
    assert shown.contacts[0].id == contact_id
    assert shown.open is not None
    assert [p.row.footing for p in shown.open.promises] == [Footing.OFFERED], "instalments taken by an operator"


@pytest.mark.req("T7")
@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((PromiseLine(date(2026, 11, 23), 10_000),), "past"),
        ((PromiseLine(date(2026, 12, 10), 9_000_000),), "above_balance"),
    ],
)
def test_an_impossible_promise_is_refused_and_nothing_is_saved(
    line: Line, lines: tuple[PromiseLine, ...], code: str
) -> None:
    call_id = line.talk()
    line.confirm(call_id)
    line.hang_up(call_id)
    with pytest.raises(EntryError) as refused:
        line.save(call_id, Entry("talked_self", promise=lines))
    assert (refused.value.field, refused.value.code) == ("promise", code)
    with line.database.read() as tx:
        assert tx.execute(select(Contact.id)).all() == []
    assert line.state() is DutyState.WRAP_UP


@pytest.mark.req("C1")
def test_who_may_not_decide_records_an_offer_only(small: SmallOffice) -> None:
    line = Line(small, level="contracted_operator", contracted=True)
    call_id = line.talk()
    line.confirm(call_id)
    line.save(call_id, Entry("talked_self", promise=(PromiseLine(date(2026, 12, 10), 5_000),)))
    with line.database.read() as tx:
        assert tx.execute(select(Promise.approved_by)).scalar_one() is None


@pytest.mark.req("T1")
def test_a_correction_is_a_new_row_that_names_the_old(line: Line) -> None:
    call_id = line.talk()
    line.hang_up(call_id)
    first = line.save(call_id, Entry("talked_family", note="妻が対応"))
    with line.database.write() as tx:
        second = results.correct(
            tx, line.viewer, first, Entry("talked_spouse", note="配偶者が対応"), NOW + 20 * SOON, OFFICE
        )
        with pytest.raises(EntryError, match="訂正済み"):
            results.correct(tx, line.viewer, first, Entry("talked_spouse"), NOW, OFFICE)
    rows = {row.id: row for row in open_record(line).contacts}
    assert rows[second].corrects_id == first
    assert rows[first].corrected
    assert rows[first].note == "妻が対応"


@pytest.mark.req("T7")
def test_a_number_that_proved_wrong_is_not_dialled_again(line: Line) -> None:
    call_id = line.talk()
    line.hang_up(call_id)
    line.save(call_id, Entry("wrong_person"))
    with line.database.read() as tx:
        assert (
            tx.execute(select(Phone.status).where(Phone.id == line.phone_id)).scalar_one() is PhoneStatus.WRONG_PERSON
        )
    with pytest.raises(ContactRefusedError, match="他人のもの"):
        line.place()


@pytest.mark.req("T3")
def test_a_lost_phone_keeps_the_call_and_the_debt_of_a_result(line: Line) -> None:
    call_id = line.talk()
    with line.database.write() as tx:
        duty.leg_lost(tx, line.leg_id, NOW, "切断")
        assert tx.execute(select(Call.state)).scalar_one() is CallState.PARTED
    assert line.state() is DutyState.BUSY
    line.hang_up(call_id)
    line.save(call_id, Entry("refused"))
    assert line.state() is DutyState.PHONE_LOST


@pytest.mark.req("T3")
def test_one_seat_holds_one_operator(line: Line, small: SmallOffice) -> None:
    other = small.user("other")
    with pytest.raises(DutyError, match="opさん") as refused, line.database.write() as tx:
        duty.take_seat(tx, other, line.seat, NOW)
    assert refused.value.code == "seat_taken"
    assert line.state() is DutyState.READY


@pytest.mark.req("C2")
def test_every_view_search_call_and_change_is_in_the_access_log(line: Line, small: SmallOffice) -> None:
    auditor = small.user("auditor", "auditor")
    with line.database.write() as tx:
        records.find(tx, line.viewer, "山田", NOW)
    open_record(line)
    call_id = line.talk()
    line.confirm(call_id)
    line.save(call_id, Entry("talked_self"))
    with line.database.read() as tx:
        rows = [(row.action, row.login, row.debtor_id) for row in access_log.entries(tx, auditor)]
    for action in ("debtor.view", "call.place", "call.identity", "contact.record"):
        assert (action, "op", line.debtor_id) in rows
    assert ("search", "op", None) in rows
    assert ("duty.start", "op", None) in rows


@pytest.mark.req("T3")
def test_every_change_reaches_the_operators_screens(line: Line) -> None:
    with line.database.read() as tx:
        before = changes_after(tx, Cursor(0, 0))[-1].cursor
    call_id = line.talk()
    with line.database.read() as tx:
        seen = {(c.topic, c.user_id) for c in changes_after(tx, before) if c.key == str(call_id)}
    assert ("call", line.viewer.user_id) in seen


@pytest.mark.req("C6")
@pytest.mark.req("T15")
@pytest.mark.parametrize(
    ("mine", "theirs"), [(Area.TAX, Area.HEALTH), (Area.HEALTH, Area.TAX), (Area.PRIVATE, Area.TAX)]
)
def test_an_area_is_invisible_from_another(small: SmallOffice, mine: Area, theirs: Area) -> None:
    viewer = small.user("op", "officer", (mine,))
    debtor_id = small.debtor("田中 一郎", "タナカ イチロウ", area=theirs)
    with small.database.write() as tx:
        assert records.find(tx, viewer, "田中", NOW).hits == []
        assert records.find(tx, viewer, "090-1111-2222", NOW).hits == []
        with pytest.raises(records.NotFoundError):
            records.open_record(tx, viewer, debtor_id, NOW, OFFICE)


@pytest.mark.req("C1")
def test_without_the_right_there_is_no_search(small: SmallOffice) -> None:
    viewer = small.user("pbx", "pbx_admin")
    with pytest.raises(NotAllowedError), small.database.write() as tx:
        records.find(tx, viewer, "山田", NOW)


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "text",
    [
        "0000000001",
        "１",
        "山田",
        "山田太郎",
        "やまだ",
        "ﾔﾏﾀﾞ ﾀﾛｳ",
        "090-1111-2222",
        "０９０１１１１２２２２",
        "S55.5.3",
        "1980-05-03",
        "N000002",
    ],
)
def test_people_are_found_however_it_is_typed(small: SmallOffice, text: str) -> None:
    viewer, debtor_id = small.user("op"), small.debtor()
    with small.database.write() as tx:
        hits = records.find(tx, viewer, text, NOW).hits
    assert [hit.id for hit in hits] == ([] if text == "１" else [debtor_id])


def test_names_with_apostrophe_emoji_and_variation_selector_are_kept_and_found(small: SmallOffice) -> None:
    viewer = small.user("op")
    name = "葛󠄀城 O'Brien😀"
    debtor_id = small.debtor(name, "カツラギ オブライエン")
    with small.database.write() as tx:
        for text in ("葛城", "葛󠄀城 o'brien", "かつらぎ"):
            assert [hit.id for hit in records.find(tx, viewer, text, NOW).hits] == [debtor_id]
        assert records.open_record(tx, viewer, debtor_id, NOW, OFFICE).person.name == name


def test_protected_people_show_no_address_and_no_household(small: SmallOffice) -> None:
    from db.schema.people import Debtor, Household

    with small.database.write() as tx:
        home = tx.execute(insert(Household).values(number="H1").returning(Household.id)).scalar_one()
    operator, officer = small.user("op"), small.user("officer", "officer")
    protected = small.debtor(flags=(FlagKind.PROTECTED,), household=home)
    spouse = small.debtor("山田 花子", "ヤマダ ハナコ", phone=None, household=home)
    with small.database.write() as tx:
        shown = records.open_record(tx, operator, protected, NOW, OFFICE).open
        assert shown is not None
        assert shown.addresses == []
        allowed = records.open_record(tx, officer, protected, NOW, OFFICE).open
        assert allowed is not None
        assert allowed.addresses
        beside = records.open_record(tx, officer, spouse, NOW, OFFICE).open
        assert beside is not None
        assert beside.household == []
        tx.execute(update(Debtor).values(household_id=home))


def open_record(line: Line) -> records.Record:
    with line.database.write() as tx:
        return records.open_record(tx, line.viewer, line.debtor_id, NOW, OFFICE)


@pytest.mark.req("T3")
def test_a_phone_that_comes_up_while_a_result_is_saved_leaves_the_operator_ready(url: str, line: Line) -> None:
    """On PostgreSQL both run at once: whoever reads whether the phone is up waits for whoever writes it."""
    call_id = line.place()
    with line.database.write() as tx:
        calls.authorize(tx, call_id, NOW, OFFICE)
        calls.ended(tx, call_id, NOW, 17)
        leg_id = duty.required(tx, line.viewer).leg_id
        duty.leg_lost(tx, leg_id, NOW, "切断")
        duty.call_back(tx, leg_id, NOW)
        leg_id = duty.required(tx, line.viewer).leg_id
    saved = threading.Thread(target=line.save, args=(call_id, Entry("busy")))
    other = Database(url)
    with other.write() as tx:
        duty.leg_answered(tx, leg_id, NOW)
        saved.start()
        if not other.is_sqlite:
            waits_for_a_lock(other)
    saved.join()
    other.close()
    with line.database.read() as tx:
        assert duty.required(tx, line.viewer).state is DutyState.READY


def waits_for_a_lock(database: Database) -> None:
    """Until another transaction waits for one of ours."""
    for _ in range(2000):
        with database.read() as tx:
            if tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return
    raise AssertionError("nobody waits")
