"""What carriers hand us comes into the register, whatever it says."""

import uuid

import pytest
from sqlalchemy import select

from db.engine import Database
from db.rules.sms import SmsState
from db.rules.terms import TaskKind
from db.schema.people import Flag
from db.schema.sms import SmsMessage, SmsReceipt, SmsReply
from db.store import sms as sms_store
from db.usecases import sms
from db.usecases.sms import Submitted
from db.usecases.sms_fate import Unheard
from sms_smpp.inbox import number_of, part_outcome, store
from sms_smpp.pdu import Address, Delivery, Submission
from sms_smpp.receipts import Fate
from sms_smpp.routes import Route
from sms_smpp.sender import told
from sms_smpp.values import Accepted, Arrival, LateAnswer, NotSent, Refused, Unknown
from tests.integration.db.people import OFFICE, SmallOffice
from tests.integration.db.test_sms import NUMBER, Sender

RECEIPT = b"id:0000006699 sub:001 dlvrd:001 submit date:2611241015 done date:2611241016 stat:%s err:021 text:"


def delivery(octets: bytes, source: str = "819011112222", esm_class: int = 0, coding: int = 0) -> Delivery:
    return Delivery(source, "0422112233", esm_class, coding, octets, {}, b"")


def take(sender: Sender, *arrivals: Arrival) -> None:
    with sender.database.write() as tx:
        store(tx, "a", arrivals, sender.now, OFFICE)


@pytest.fixture
def sender(database: Database, small: SmallOffice) -> Sender:
    return Sender(database, small)


@pytest.mark.req("S4")
@pytest.mark.parametrize(
    ("words", "state"),
    [
        (b"DELIVRD", SmsState.DELIVERED),
        (b"UNDELIV", SmsState.FAILED),
        (b"REJECTD", SmsState.FAILED),
        (b"EXPIRED", SmsState.EXPIRED),
        (b"ENROUTE", SmsState.ACCEPTED),
        (b"UNKNOWN", SmsState.UNKNOWN),
        (b"nonsense", SmsState.UNKNOWN),
    ],
)
def test_a_receipt_moves_its_message(sender: Sender, words: bytes, state: SmsState) -> None:
    message = sender.sent(part_outcome(Accepted("1A2B")))
    take(sender, delivery(RECEIPT % words, esm_class=4))
    assert sender.state(message) is state
    with sender.database.read() as tx:
        assert not sms_store.gone(tx, [NUMBER])  # `err:021` says nothing unless that was agreed


@pytest.mark.req("S4")
def test_a_code_that_was_agreed_to_mean_no_such_number_stops_messages_to_it(sender: Sender) -> None:
    """Before the carrier's answer too, when nobody knows whose receipt it is."""
    message = sender.queue()
    sender.claim()
    with sender.database.write() as tx:
        store(tx, "a", [delivery(RECEIPT % b"UNDELIV", esm_class=4)], sender.now, OFFICE, {"020", "021"})
    sender.settle(message, part_outcome(Accepted("1A2B")))
    assert sender.state(message) is SmsState.FAILED
    with sender.database.read() as tx:
        assert list(sms_store.gone(tx, [NUMBER])) == [NUMBER]
    assert sender.tasks(TaskKind.NUMBER_RESEARCH) == [False]


@pytest.mark.req("S4")
def test_a_code_heard_by_asking_the_carrier_means_the_same(sender: Sender) -> None:
    message = sender.sent(part_outcome(Accepted("1A2B")))
    route = Route("a", Address("0422112233"), gone_codes=frozenset({"21"}))
    with sender.database.write() as tx:
        told(tx, route, Unheard(message, NUMBER, "1A2B"), Fate.UNDELIVERABLE, 21, sender.now)
    assert sender.state(message) is SmsState.FAILED
    with sender.database.read() as tx:
        assert list(sms_store.gone(tx, [NUMBER])) == [NUMBER]


@pytest.mark.req("S5")
def test_replies_of_every_form_are_kept_and_a_refusal_is_obeyed(sender: Sender) -> None:
    sender.sent(part_outcome(Accepted("1A2B")))
    take(
        sender,
        delivery("停止".encode("utf-16-be"), coding=8),
        delivery(b"nul\x00 inside", source="+81 90-3333-4444", coding=3),
        delivery(b"\xff\xfe\x00", source="INFO\x00", coding=8),
    )
    with sender.database.read() as tx:
        replies = {row.number: row for row in tx.execute(select(SmsReply))}
        flags = tx.execute(select(Flag.debtor_id)).scalars().all()
    assert set(replies) == {NUMBER, "+819033334444", "INFO\N{REPLACEMENT CHARACTER}"}
    assert replies[NUMBER].opted_out
    assert flags == [sender.debtor]


@pytest.mark.req("S4")
def test_an_answer_that_comes_late_settles_what_was_unknown(sender: Sender) -> None:
    message = sender.sent(part_outcome(Unknown("no answer")))
    assert sender.state(message) is SmsState.UNKNOWN
    submission = Submission(Address("0422112233"), Address("819011112222"), b"text", tag=f"{message}/1")
    take(sender, LateAnswer(submission, Accepted("1A2B")), delivery(RECEIPT % b"DELIVRD", esm_class=4))
    assert sender.state(message) is SmsState.DELIVERED


@pytest.mark.req("S4")
def test_receipts_that_are_nobodys_are_kept(sender: Sender) -> None:
    take(sender, delivery(b"id:\x00 stat:DELIVRD", esm_class=4), delivery(b"", esm_class=4))
    with sender.database.read() as tx:
        assert [row.message_id for row in tx.execute(select(SmsReceipt))] == [None, None]


@pytest.mark.req("S4", "S6")
def test_many_are_settled_at_once_each_by_its_own_outcome(sender: Sender, small: SmallOffice) -> None:
    people = [small.debtor(phone=f"+81903333444{n}") for n in range(4)]
    messages = [sender.queue(debtor=one) for one in people]
    assert len(sender.claim()) == 4
    told = [Accepted("A1"), Refused(0x0B), Unknown("no answer"), NotSent("the link is down")]
    take(sender, delivery(b"id:a1 stat:DELIVRD", source="819033334440", esm_class=4))  # before its answer
    with sender.database.write() as tx:
        outcomes = [Submitted(one, "a", 1, (part_outcome(said),)) for one, said in zip(messages, told, strict=True)]
        sms.settle(
            tx, [*outcomes, Submitted(uuid.uuid4(), "a", 1, (part_outcome(Accepted("A9")),))], sender.now, OFFICE
        )
    states = [SmsState.DELIVERED, SmsState.FAILED, SmsState.UNKNOWN, SmsState.QUEUED]
    assert [sender.state(message) for message in messages] == states
    with sender.database.read() as tx:
        with_contact = tx.execute(select(SmsMessage.debtor_id).where(SmsMessage.contact_id.is_not(None))).scalars()
        assert sorted(with_contact) == [people[0], people[2]]


@pytest.mark.req("S4", "S5")
@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("819011112222", "+819011112222"),
        ("+819011112222", "+819011112222"),
        ("09011112222", "+819011112222"),
        ("0005123456", "0005123456"),
        ("INFO", "INFO"),
        ("", ""),
    ],
)
def test_whom_it_comes_from(told: str, number: str) -> None:
    assert number_of(delivery(b"", source=told)) == number
