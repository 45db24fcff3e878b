"""Messages from the desk: rights, templates with their history, refusals by hand, and numbers that carriers say are gone."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from db.engine import Database
from db.rules.sms import PartOutcome, SmsState
from db.rules.terms import Area, FlagKind, PhoneKind, PhoneOwner, PhoneStatus, Right, TaskKind
from db.rules.viewer import NotAllowedError
from db.schema.people import Flag, Phone
from db.schema.staff import AccessLog
from db.store import sms as store
from db.usecases import sms, sms_consent, sms_desk, sms_fate, sms_templates
from db.usecases.sms import SmsError, Wording
from db.usecases.sms_consent import ConsentError
from db.usecases.sms_desk import Offer
from db.usecases.sms_fate import Receipt
from db.usecases.sms_templates import TemplateError, Words
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.db.test_sms import ACCEPTED, SECOND, TEXT, Sender

CITY = "みなと野市"
BODY = "{市名}{課名}の{担当者}です。{電話}までお電話ください。"


@pytest.fixture
def sender(database: Database, small: SmallOffice) -> Sender:
    return Sender(database, small)


def offered(sender: Sender) -> Offer:
    with sender.database.write() as tx:
        return sms_desk.offer(tx, sender.who, sender.debtor, Area.TAX, CITY, sender.now, OFFICE)


def failed(sender: Sender, reason: str) -> uuid.UUID:
    """A message that a receipt says did not arrive."""
    message = sender.sent(ACCEPTED)
    sender.now += timedelta(days=1)
    with sender.database.write() as tx:
        sms_fate.receipts(tx, "a", [Receipt("1a2b", ("1a2b",), "+819011112222", SmsState.FAILED, reason)], sender.now)
    return message


# -- rights and templates -----------------------------------------------------------------------------------------------------


@pytest.mark.req("C1", "S2")
def test_sending_is_a_right_of_its_own(sender: Sender, small: SmallOffice) -> None:
    only_calls = sender.who.within(set())
    assert sender.who.may(Right.SMS, Area.TAX)
    assert small.user("contracted", "contracted_operator", contracted=True).may(Right.SMS, Area.TAX)
    with pytest.raises(NotAllowedError, match="SMSの送信"):
        sender.queue(who=only_calls)


@pytest.mark.req("S2", "S7")
def test_templates_are_checked_kept_in_every_version_and_filled_with_the_offices_words(
    sender: Sender, small: SmallOffice
) -> None:
    boss = small.user("boss", "supervisor")
    with sender.database.write() as tx:
        with pytest.raises(TemplateError, match=r"「\{課名\}」の内容が設定されていません"):
            sms_templates.save(tx, boss, Area.TAX, None, "連絡", BODY, NOW, Wording(), CITY)
        with pytest.raises(TemplateError, match="税"):
            sms_templates.set_words(tx, boss, Area.TAX, Words("納税課", "0422-11-2233"), NOW, Wording())
        sms_templates.set_words(tx, boss, Area.TAX, Words("窓口案内係", "0422-11-2233"), NOW, Wording())
        made = sms_templates.save(tx, boss, Area.TAX, None, "連絡", BODY, NOW, Wording(), CITY)
        with pytest.raises(TemplateError, match="同じ名前"):
            sms_templates.save(tx, boss, Area.TAX, None, "連絡", "別の本文です。", NOW, Wording(), CITY)
        with pytest.raises(NotAllowedError):
            sms_templates.save(tx, sender.who, Area.TAX, made, "連絡", "変えます。", NOW, Wording(), CITY)
    offer = offered(sender)
    assert list(offer.texts.values()) == ["みなと野市窓口案内係のsatoさんです。0422-11-2233までお電話ください。"]
    with sender.database.write() as tx:
        sms_templates.save(tx, boss, Area.TAX, made, "連絡", "お電話ください。", NOW, Wording(), CITY)
        assert [row.body for row in store.templates(tx, Area.TAX)] == ["お電話ください。"]
        sms_templates.retire(tx, boss, Area.TAX, made, NOW)
        assert store.templates(tx, Area.TAX) == []
        assert [row.retired for row in sms_templates.history(tx, boss, Area.TAX)] == [True, False, False]
        assert store.templates(tx, Area.PUBLIC) == []


@pytest.mark.req("S3")
def test_only_mobiles_are_offered_and_the_others_say_why_not(sender: Sender) -> None:
    with sender.database.write() as tx:
        for number, kind, status in (
            ("+81422112233", PhoneKind.LANDLINE, PhoneStatus.USABLE),
            ("+819077778888", PhoneKind.MOBILE, PhoneStatus.WRONG_PERSON),
        ):
            tx.execute(
                insert(Phone).values(
                    debtor_id=sender.debtor, number=number, kind=kind, status=status, owner=PhoneOwner.SELF
                )
            )
    first, *others = offered(sender).numbers
    assert (first.phone.number, first.sendable, first.waits) == ("+819011112222", True, False)
    assert {(one.phone.number, one.mobile, one.sendable) for one in others} == {
        ("+81422112233", False, False),
        ("+819077778888", True, False),
    }
    sender.now += timedelta(hours=11)  # 21:30 in the office
    first, *_ = offered(sender).numbers
    assert (first.sendable, first.waits) == (True, True)
    with sender.database.read() as tx:
        opened = select(AccessLog.debtor_id).where(AccessLog.action == "sms.open")
        assert tx.execute(opened).scalars().all() == [sender.debtor] * 2


# -- taking back, and what is scheduled ------------------------------------------------------------------------------------------


@pytest.mark.req("S2")
def test_a_message_is_taken_back_until_it_is_on_its_way(sender: Sender, small: SmallOffice) -> None:
    message = sender.queue()
    stranger = small.user("health", "operator", (Area.HEALTH,))
    with sender.database.write() as tx:
        with pytest.raises(SmsError, match="該当するSMSがありません"):
            sms.cancel(tx, stranger, message, sender.now)
        sms.cancel(tx, sender.who, message, sender.now)
    assert sender.state(message) is SmsState.REFUSED
    assert sender.claim() == []
    sent = sender.sent(ACCEPTED)
    with sender.database.write() as tx, pytest.raises(SmsError, match="受付済"):
        sms.cancel(tx, sender.who, sent, sender.now)


@pytest.mark.req("S2", "C4")
def test_what_is_scheduled_for_another_day_waits_for_that_days_caps(sender: Sender) -> None:
    for _ in range(2):
        sender.sent(ACCEPTED)
    with pytest.raises(SmsError, match="上限"):
        sender.queue()
    message = sender.queue(not_before=sender.now + timedelta(days=1))
    with pytest.raises(SmsError, match="31日以内"):
        sender.queue(not_before=sender.now + timedelta(days=40))
    sender.now += timedelta(days=1, seconds=1)
    assert [ready.id for ready in sender.claim()] == [message]


# -- refusals and numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.req("S3")
def test_a_refusal_by_hand_stops_what_waits_and_only_staff_lift_it(sender: Sender, small: SmallOffice) -> None:
    waiting = sender.queue()
    contracted = small.user("contracted", "contracted_operator", contracted=True)
    with sender.database.write() as tx:
        with pytest.raises(ConsentError, match="申出"):
            sms_consent.refuse(tx, contracted, sender.debtor, " ", NOW, OFFICE)
        sms_consent.refuse(tx, contracted, sender.debtor, "電話で申出", NOW, OFFICE)
        sms_consent.refuse(tx, contracted, sender.debtor, "もう一度", NOW, OFFICE)
    assert sender.claim() == []
    assert sender.state(waiting) is SmsState.REFUSED
    assert not offered(sender).sendable
    with sender.database.write() as tx:
        assert len(tx.execute(select(Flag.id).where(Flag.kind == FlagKind.NO_SMS)).all()) == 1
        with pytest.raises(ConsentError, match="職員"):
            sms_consent.allow(tx, contracted, sender.debtor, "撤回", NOW, OFFICE)
        sms_consent.allow(tx, sender.who, sender.debtor, "本人が撤回", NOW, OFFICE)
    assert offered(sender).sendable
    with sender.database.write() as tx:
        tx.execute(insert(Flag).values(debtor_id=sender.debtor, kind=FlagKind.NO_SMS, source="core"))
        with pytest.raises(ConsentError, match="基幹システム"):
            sms_consent.allow(tx, sender.who, sender.debtor, "撤回", NOW, OFFICE)


@pytest.mark.req("S3", "S4", "T10")
def test_a_number_that_a_carrier_says_is_gone_gets_no_more_messages_until_somebody_knows_better(sender: Sender) -> None:
    failed(sender, "3-1")
    with pytest.raises(SmsError, match="欠番"):
        sender.queue()
    assert sender.tasks(TaskKind.NUMBER_RESEARCH) == [False]
    (number,) = offered(sender).numbers
    assert number.gone == sender.now
    with sender.database.write() as tx:
        assert tx.execute(select(Phone.status)).scalar_one() is PhoneStatus.USABLE  # a call may try
        sms_consent.number_works(tx, sender.who, sender.debtor, number.phone.id, "本人に確認", sender.now)
    sender.queue()


@pytest.mark.req("S3")
@pytest.mark.parametrize("reason", ["3-27", "001", ""])
def test_whatever_else_a_carrier_says_is_no_word_on_the_number(sender: Sender, reason: str) -> None:
    failed(sender, reason)
    sender.queue()
    assert sender.tasks(TaskKind.NUMBER_RESEARCH) == []


@pytest.mark.req("S3")
def test_a_number_that_took_a_part_of_the_message_exists(sender: Sender) -> None:
    sender.sent(ACCEPTED, SECOND, parts=2)
    sender.receipt(("1a2b",), SmsState.DELIVERED)
    with sender.database.write() as tx:
        sms_fate.receipts(tx, "a", [Receipt("1a2c", ("1a2c",), "+819011112222", SmsState.FAILED, "3-1")], sender.now)
    assert sender.tasks(TaskKind.NUMBER_RESEARCH) == []


@pytest.mark.req("S3")
def test_a_number_refused_at_once_as_of_the_wrong_form_is_not_taken_for_gone(sender: Sender) -> None:
    sender.sent(PartOutcome(SmsState.FAILED, reason="ESME_RINVDSTADR"))
    sender.queue()
    assert sender.tasks(TaskKind.NUMBER_RESEARCH) == []


@pytest.mark.req("S5", "C5")
def test_texts_are_withheld_where_the_record_is_masked(sender: Sender) -> None:
    message = sender.sent(ACCEPTED)
    sender.reply("明日電話します")
    with sender.database.read() as tx:
        seen = sms_desk.thread(tx, sender.who, (sender.debtor,), {Area.TAX})
        masked = sms_desk.thread(tx, sender.who, (sender.debtor,), set())
    assert [row.body for row in seen.messages] == [TEXT]
    assert [part.state for part in seen.messages[0].parts] == [SmsState.ACCEPTED]
    assert [row.body for row in seen.replies[message]] == ["明日電話します"]
    assert [row.body for row in masked.messages] == [""]
    assert [row.body for row in masked.replies[message]] == [""]
