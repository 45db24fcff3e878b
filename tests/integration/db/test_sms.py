"""Messages to phones: nothing goes out against the rule, nothing twice, and every fate is known or said to be unknown."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from db.engine import Database
from db.rules import bits
from db.rules.sms import PartOutcome, SmsState
from db.rules.terms import Area, Channel, FlagKind, TaskKind
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.claims import Installment
from db.schema.contacts import Contact
from db.schema.people import Flag, Household, Phone
from db.schema.sms import SmsMessage, SmsPart, SmsReceipt, SmsReply
from db.schema.summaries import CaseSummary
from db.schema.work import Task
from db.store import summaries
from db.usecases import sms, sms_fate, stop
from db.usecases.sms import ReadyMessage, SmsError, Submitted, Wording
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice

TEXT = "桜市役所です。ご連絡したいことがあります。0422-11-2233までお電話ください。"
NUMBER = "+819011112222"
SECONDS = timedelta(seconds=1)

ACCEPTED = PartOutcome(SmsState.ACCEPTED, "1A2B", ("1a2b", "6699"))
SECOND = PartOutcome(SmsState.ACCEPTED, "1A2C", ("1a2c", "6700"))
NOT_SENT = PartOutcome(SmsState.QUEUED, reason="回線がありません。")
UNKNOWN = PartOutcome(SmsState.UNKNOWN, reason="応答がありません。")


class Sender:
    """Queues, claims and settles over one register, a second later each time."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database = database
        self.small = small
        self.now = NOW
        self.who = small.user("sato")
        self.debtor = small.debtor()
        self.texts = 0

    def phone(self, debtor: int | None = None) -> int:
        with self.database.read() as tx:
            return tx.execute(select(Phone.id).where(Phone.debtor_id == (debtor or self.debtor))).scalars().first() or 0

    def queue(
        self, text: str = "", *, who: Viewer | None = None, debtor: int | None = None, **more: datetime
    ) -> uuid.UUID:
        of = debtor or self.debtor
        with self.database.write() as tx:
            return sms.queue(
                tx,
                who or self.who,
                of,
                self.phone(of),
                Area.TAX,
                text or self._text(),
                self.now,
                OFFICE,
                Wording(),
                **more,
            )

    def _text(self) -> str:
        """Another each time: the same again would be taken for a mistake."""
        self.texts += 1
        return TEXT if self.texts == 1 else f"{TEXT}（{self.texts}回目）"

    def claim(self, most: int = 10) -> list[ReadyMessage]:
        self.now += SECONDS
        with self.database.write() as tx:
            return sms.claim(tx, self.now, OFFICE, most)

    def settle(self, message: uuid.UUID, *outcomes: PartOutcome, parts: int = 1, route: str = "a") -> None:
        self.now += SECONDS
        with self.database.write() as tx:
            sms.settle(tx, [Submitted(message, route, parts, outcomes)], self.now, OFFICE)

    def sent(self, *outcomes: PartOutcome, parts: int = 1) -> uuid.UUID:
        message = self.queue()
        assert [ready.id for ready in self.claim()] == [message]
        self.settle(message, *outcomes, parts=parts)
        return message

    def receipt(self, keys: tuple[str, ...], state: SmsState, *, number: str = NUMBER, route: str = "a") -> bool:
        self.now += SECONDS
        with self.database.write() as tx:
            [known] = sms_fate.receipts(tx, route, [sms_fate.Receipt(keys[0], keys, number, state, "err")], self.now)
            return known

    def reply(self, text: str, number: str = NUMBER) -> bool:
        with self.database.write() as tx:
            return sms_fate.reply(tx, "a", number, text, self.now, OFFICE)

    def state(self, message: uuid.UUID) -> SmsState:
        with self.database.read() as tx:
            return tx.execute(select(SmsMessage.state).where(SmsMessage.id == message)).scalar_one()

    def tasks(self, kind: TaskKind) -> list[bool]:
        """Of each task of a kind whether it is done."""
        with self.database.read() as tx:
            found = tx.execute(select(Task.done_at).where(Task.kind == kind).order_by(Task.made_at)).scalars()
            return [done is not None for done in found]

    def contacts(self) -> list[str]:
        with self.database.read() as tx:
            return list(tx.execute(select(Contact.note).where(Contact.channel == Channel.SMS)).scalars())


@pytest.fixture
def sender(database: Database, small: SmallOffice) -> Sender:
    return Sender(database, small)


# -- queueing -----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S3", "C1")
def test_only_who_may_call_and_only_to_a_number_on_the_record(sender: Sender, small: SmallOffice) -> None:
    with pytest.raises(NotAllowedError):
        sender.queue(who=small.user("admin", "system_admin"))
    stranger = small.debtor(phone="+819033334444")
    with sender.database.write() as tx, pytest.raises(SmsError, match="記録にありません"):
        sms.queue(tx, sender.who, sender.debtor, sender.phone(stranger), Area.TAX, TEXT, NOW, OFFICE, Wording())


@pytest.mark.req("S3", "S7", "C4")
@pytest.mark.parametrize(
    ("text", "flags", "reason"),
    [
        ("滞納の件です", (), "滞納"),
        ("山田さんへ連絡です", (), "氏名（山田）"),
        ("あ" * 671, (), "671文字"),
        (TEXT, (FlagKind.NO_SMS,), "SMSを拒否されている"),
        (TEXT, (FlagKind.LAWYER,), "弁護士"),
    ],
)
def test_what_may_not_be_said_or_sent_is_refused_at_once(
    sender: Sender, small: SmallOffice, text: str, flags: tuple[FlagKind, ...], reason: str
) -> None:
    debtor = small.debtor(flags=flags, phone="+819055556666")
    with pytest.raises(SmsError, match=reason):
        sender.queue(text, debtor=debtor)


@pytest.mark.req("S2")
def test_a_message_waits_for_its_time_and_for_the_offices_hours(sender: Sender) -> None:
    message = sender.queue(not_before=NOW + timedelta(hours=1))
    assert sender.claim() == []
    sender.now = NOW + timedelta(hours=11)  # 21:30 in the office
    assert sender.claim() == []
    assert sender.state(message) is SmsState.QUEUED
    sender.now = NOW + timedelta(hours=23)  # 9:30 on the next day
    assert [ready.id for ready in sender.claim()] == [message]


@pytest.mark.req("S4", "S6")
def test_messages_to_a_number_go_out_in_their_order_whatever_is_sent_again(sender: Sender) -> None:
    first, second = sender.queue(), sender.queue()
    assert [ready.id for ready in sender.claim()] == [first]
    assert sender.claim() == [], "not before it is known what became of the first"
    sender.settle(first, NOT_SENT)
    assert sender.claim() == [], "the second does not overtake it"
    sender.now += sms.TRY_AGAIN
    assert [ready.id for ready in sender.claim()] == [first]
    sender.settle(first, ACCEPTED)
    assert [ready.id for ready in sender.claim()] == [second]


# -- claiming --------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S6")
def test_a_message_is_claimed_once_and_stands_in_the_record_once_it_went_out(sender: Sender) -> None:
    with sender.database.write() as tx:
        summaries.refresh(tx, [sender.debtor], OFFICE.today(NOW))
    message = sender.queue()
    (ready,) = sender.claim()
    assert (ready.id, ready.number, ready.body, ready.reference) == (message, NUMBER, TEXT, 0)
    assert sender.state(message) is SmsState.SUBMITTING
    assert sender.claim() == []
    assert sender.contacts() == []
    sender.settle(message, ACCEPTED)
    sender.settle(message, PartOutcome(SmsState.FAILED))  # said already
    assert sender.state(message) is SmsState.ACCEPTED
    assert sender.contacts() == [TEXT]
    with sender.database.write() as tx:  # what a text changes of the summary is all that it can change
        kept = tx.execute(select(CaseSummary)).all()
        tx.execute(update(CaseSummary).values(last_at=0, last_channel=0, last_disposition=0))
        summaries.refresh(tx, [sender.debtor], OFFICE.today(sender.now))
        assert tx.execute(select(CaseSummary)).all() == kept
    assert kept[0].last_channel == bits.CHANNELS[Channel.SMS]


@pytest.mark.req("S3", "C4")
def test_the_rule_is_asked_again_at_the_last_moment(sender: Sender, small: SmallOffice) -> None:
    paid = sender.queue()
    with sender.database.write() as tx:
        tx.execute(update(Installment).where(Installment.debtor_id == sender.debtor).values(outstanding=0))
    assert sender.claim() == []
    assert sender.state(paid) is SmsState.REFUSED
    moved = sender.queue(debtor=small.debtor(phone="+819033334444"))
    with sender.database.write() as tx:
        tx.execute(update(Phone).where(Phone.number == "+819033334444").values(number="+819033335555"))
    assert sender.claim() == []
    assert sender.state(moved) is SmsState.REFUSED


@pytest.mark.req("S3", "C4")
def test_messages_on_their_way_count_towards_the_caps(sender: Sender) -> None:
    first = sender.phone()
    with sender.database.write() as tx:
        phones = [first, *(sender.small.phone(tx, sender.debtor, f"+81908888000{n}") for n in range(2))]
        asked = (tx, sender.who, sender.debtor)
        messages = [sms.queue(*asked, phone, Area.TAX, TEXT, NOW, OFFICE, Wording()) for phone in phones]
    claimed = [ready.id for _ in messages for ready in sender.claim()]
    assert claimed == messages[:2]  # two a day to a person
    assert sender.state(messages[2]) is SmsState.REFUSED
    assert sender.contacts() == []


@pytest.mark.req("S3", "C4")
def test_of_one_home_only_one_message_is_decided_on_at_a_time(sender: Sender, small: SmallOffice) -> None:
    with sender.database.write() as tx:
        tx.execute(insert(Household).values(id=7, number="H7"))
    home = [small.debtor(phone=f"+81903333444{n}", household=7) for n in range(5)]
    stranger = small.debtor(phone="+819033334449")
    messages = [sender.queue(debtor=one) for one in (*home, stranger)]
    assert [ready.id for ready in sender.claim()] == [messages[0], messages[5]]
    assert [ready.id for _ in range(4) for ready in sender.claim()] == messages[1:3]  # three a day to a household
    assert sender.state(messages[4]) is SmsState.REFUSED


@pytest.mark.req("S6")
def test_a_claim_of_which_nothing_was_heard_is_put_back(sender: Sender, small: SmallOffice) -> None:
    held, lost = sender.queue(), sender.queue(debtor=small.debtor(phone="+819033334444"))
    assert [ready.id for ready in sender.claim()] == [held, lost]
    with sender.database.write() as tx:
        sms.put_back(tx, {held}, sender.now)
    assert (sender.state(held), sender.state(lost)) == (SmsState.SUBMITTING, SmsState.QUEUED)
    assert [ready.id for ready in sender.claim()] == [lost]


@pytest.mark.req("S6")
def test_what_is_told_late_of_one_claim_is_not_taken_for_the_next(sender: Sender) -> None:
    message = sender.queue()
    (first,) = sender.claim()
    sender.settle(message, NOT_SENT)
    sender.now += sms.TRY_AGAIN
    (second,) = sender.claim()
    with sender.database.write() as tx:  # the answer to the first commit was lost: it is written again
        sms.settle(tx, [Submitted(message, "a", 1, (NOT_SENT,), first.since)], sender.now, OFFICE)
    assert sender.state(message) is SmsState.SUBMITTING
    with sender.database.write() as tx:
        sms.settle(tx, [Submitted(message, "a", 1, (ACCEPTED,), second.since)], sender.now, OFFICE)
    assert sender.state(message) is SmsState.ACCEPTED


@pytest.mark.req("S6")
def test_the_same_again_is_refused_for_a_while(sender: Sender) -> None:
    sender.queue()
    with pytest.raises(SmsError, match="すでに登録"):
        sender.queue(TEXT)
    sender.now += sms.SAME_AGAIN
    sender.queue(TEXT)


@pytest.mark.req("S4")
def test_a_receipt_that_was_stored_without_its_part_is_matched_when_it_comes_again(sender: Sender) -> None:
    message = sender.sent(UNKNOWN)
    assert not sender.receipt(("6699", "1a2b"), SmsState.DELIVERED)
    with sender.database.write() as tx:  # as if written in the same moment: neither saw the other
        tx.execute(update(SmsPart).values(id_key="1a2b", state=SmsState.ACCEPTED))
    assert sender.receipt(("6699", "1a2b"), SmsState.DELIVERED)
    with sender.database.read() as tx:
        assert tx.execute(select(SmsReceipt.message_id)).scalars().all() == [message]


@pytest.mark.req("S3", "S5")
def test_a_refusal_holds_for_everybody_who_has_the_number(sender: Sender, small: SmallOffice) -> None:
    other = small.debtor("山田 花子", "ヤマダ ハナコ")
    sender.sent(ACCEPTED)
    sender.reply("停止")
    with pytest.raises(SmsError, match="拒否"):
        sender.queue("桜市役所です。", debtor=other)


@pytest.mark.req("P4", "S6")
def test_an_emergency_stop_holds_messages_back(sender: Sender) -> None:
    message = sender.queue()
    with sender.database.write() as tx:
        stop.stop(tx, ADMIN, "訓練", NOW)
    assert sender.claim() == []
    assert sender.state(message) is SmsState.QUEUED


@pytest.mark.req("S6")
def test_what_surely_was_not_sent_goes_out_later_and_what_is_unknown_never(sender: Sender) -> None:
    message = sender.queue()
    sender.claim()
    sender.settle(message, NOT_SENT, parts=2)
    assert sender.state(message) is SmsState.QUEUED
    assert sender.claim() == []
    sender.now += sms.TRY_AGAIN
    assert [ready.id for ready in sender.claim()] == [message]
    sender.settle(message, UNKNOWN, parts=2)
    assert sender.state(message) is SmsState.UNKNOWN
    sender.now += timedelta(minutes=30)
    assert sender.claim() == []
    assert sender.tasks(TaskKind.SMS_UNKNOWN) == [False]
    assert sender.contacts() == [TEXT]


@pytest.mark.req("S6")
def test_a_text_cut_between_its_parts_is_unknown_and_never_sent_again(sender: Sender) -> None:
    message = sender.sent(ACCEPTED, NOT_SENT, parts=2)
    assert sender.state(message) is SmsState.UNKNOWN
    sender.now += sms.TRY_AGAIN
    assert sender.receipt(("1a2b",), SmsState.DELIVERED)  # what a phone shows of half a text nobody knows
    assert sender.state(message) is SmsState.UNKNOWN
    assert sender.claim() == []
    assert sender.tasks(TaskKind.SMS_UNKNOWN) == [False]
    assert sender.contacts() == [TEXT]


@pytest.mark.req("S6")
def test_what_a_killed_sender_was_sending_is_unknown(sender: Sender) -> None:
    message = sender.queue()
    sender.claim()
    with sender.database.write() as tx:
        assert sms.recover(tx, sender.now, OFFICE) == 1
        assert sms.recover(tx, sender.now, OFFICE) == 0
    assert sender.state(message) is SmsState.UNKNOWN
    with sender.database.write() as tx:
        sms.decide(tx, sender.who, message, arrived=True, now=sender.now)
    assert sender.state(message) is SmsState.DELIVERED
    assert sender.tasks(TaskKind.SMS_UNKNOWN) == [True]
    with sender.database.write() as tx, pytest.raises(SmsError, match="到達"):
        sms.decide(tx, sender.who, message, arrived=False, now=sender.now)


@pytest.mark.req("S1")
def test_messages_to_one_number_have_different_references(sender: Sender) -> None:
    messages = [sender.queue(), sender.queue()]
    references = []
    for message in messages:
        references += [ready.reference for ready in sender.claim()]
        sender.settle(message, ACCEPTED)
    assert references == [0, 1]


# -- fate -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4")
@pytest.mark.parametrize("keys", [("1a2b", "6699"), ("6699", "1a2b")])
@pytest.mark.parametrize("early", [False, True])
def test_a_receipt_finds_its_message_in_either_spelling_before_and_after_the_answer(
    sender: Sender, keys: tuple[str, ...], early: bool
) -> None:
    if early:
        message = sender.queue()
        sender.claim()
        assert not sender.receipt(keys, SmsState.DELIVERED)
        sender.settle(message, ACCEPTED)
    else:
        message = sender.sent(ACCEPTED)
        assert not sender.receipt(keys, SmsState.FAILED, number="+819099998888")  # another's number
        assert not sender.receipt(keys, SmsState.FAILED, route="b")  # another carrier's id
        assert sender.state(message) is SmsState.ACCEPTED
        assert sender.receipt(keys, SmsState.DELIVERED)
    assert sender.state(message) is SmsState.DELIVERED
    assert sender.receipt(keys, SmsState.DELIVERED)  # it comes twice
    sender.receipt(keys, SmsState.FAILED)  # and says something else later: kept, and nothing more
    assert sender.state(message) is SmsState.DELIVERED
    with sender.database.read() as tx:
        mine = select(func.count()).select_from(SmsReceipt).where(SmsReceipt.message_id == message)
        assert tx.execute(mine).scalar_one() == 2


@pytest.mark.req("S4")
def test_receipts_taken_together_are_taken_one_after_the_other(sender: Sender, small: SmallOffice) -> None:
    def said(key: str, state: SmsState, number: str = NUMBER) -> sms_fate.Receipt:
        return sms_fate.Receipt(key, (key,), number, state, "err")

    two_parts, other = sender.queue(), sender.queue(debtor=small.debtor(phone="+819033334444"))
    sender.claim()
    outcomes = [
        Submitted(two_parts, "a", 2, (ACCEPTED, PartOutcome(SmsState.ACCEPTED, "1A2C", ("1a2c",)))),
        Submitted(other, "a", 1, (PartOutcome(SmsState.UNKNOWN),)),
    ]
    with sender.database.write() as tx:
        sms.settle(tx, outcomes, sender.now, OFFICE)
        first = [
            said("1a2b", SmsState.ACCEPTED), said("1a2b", SmsState.UNKNOWN), said("1a2b", SmsState.DELIVERED),
            said("1a2b", SmsState.DELIVERED), said("1a2b", SmsState.DELIVERED, "+819033334444"),
            said("1a2b", SmsState.DELIVERED, "+819033334444"), said("1a2c", SmsState.DELIVERED),
        ]  # fmt: skip
        assert sms_fate.receipts(tx, "a", first, sender.now) == [True] * 4 + [False] * 2 + [True]
        assert sms_fate.receipts(tx, "a", first, sender.now) == [True] * 4 + [False] * 2 + [True]
        kept = tx.execute(select(SmsReceipt.state).order_by(SmsReceipt.id)).scalars().all()
    assert kept == [one.state for at, one in enumerate(first) if at not in {3, 5}]
    assert (sender.state(two_parts), sender.state(other)) == (SmsState.DELIVERED, SmsState.UNKNOWN)
    assert sender.tasks(TaskKind.SMS_UNKNOWN) == [False]  # the other's


@pytest.mark.req("S4")
def test_a_message_of_two_parts_arrived_when_both_did(sender: Sender) -> None:
    message = sender.sent(ACCEPTED, SECOND, parts=2)
    sender.receipt(("1a2b",), SmsState.DELIVERED)
    sender.receipt(("1a2b",), SmsState.FAILED)  # that part is there already
    assert sender.state(message) is SmsState.ACCEPTED
    sender.receipt(("1a2c",), SmsState.DELIVERED)
    assert sender.state(message) is SmsState.DELIVERED


@pytest.mark.req("S4")
def test_a_message_that_was_refused_disturbed_nobody(sender: Sender) -> None:
    message = sender.sent(PartOutcome(SmsState.FAILED, reason="ESME_RINVDSTADR"))
    assert sender.state(message) is SmsState.FAILED
    assert sender.contacts() == []


@pytest.mark.req("S4")
def test_a_late_answer_names_the_part_that_a_receipt_then_settles(sender: Sender) -> None:
    message = sender.sent(UNKNOWN)
    assert not sender.receipt(("1a2b",), SmsState.DELIVERED)
    with sender.database.write() as tx:
        sms_fate.answered_late(tx, message, 1, ACCEPTED, sender.now)
        sms_fate.answered_late(tx, message, 1, SECOND, sender.now)  # only the first counts
        sms_fate.answered_late(tx, uuid.uuid4(), 1, ACCEPTED, sender.now)
    assert sender.state(message) is SmsState.DELIVERED
    assert sender.tasks(TaskKind.SMS_UNKNOWN) == [True]


# -- replies ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S5")
def test_a_reply_reaches_the_person_who_was_written_to(sender: Sender) -> None:
    message = sender.sent(ACCEPTED)
    assert sender.reply("明日電話します")
    assert not sender.reply("明日電話します")  # again, as its acknowledgement was lost
    assert sender.reply("?", number="+819099998888")
    with sender.database.read() as tx:
        rows = tx.execute(select(SmsReply.debtor_id, SmsReply.message_id).order_by(SmsReply.number)).all()
    assert [tuple(row) for row in rows] == [(sender.debtor, message), (None, None)]
    assert sender.tasks(TaskKind.SMS_REPLY) == [False]


@pytest.mark.req("S3", "S5")
def test_a_reply_that_refuses_is_obeyed_at_once(sender: Sender) -> None:
    sender.sent(ACCEPTED)
    waiting = sender.queue()
    sender.reply("停止")
    assert sender.claim() == []
    assert sender.state(waiting) is SmsState.REFUSED
    with pytest.raises(SmsError, match="拒否"):
        sender.queue()
    with sender.database.read() as tx:
        flags = tx.execute(select(Flag.kind, Flag.area).where(Flag.debtor_id == sender.debtor)).all()
    assert [tuple(flag) for flag in flags] == [(FlagKind.NO_SMS, None)]
    assert sender.tasks(TaskKind.SMS_REPLY) == []
