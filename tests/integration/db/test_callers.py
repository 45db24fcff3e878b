"""Whose number it is, on both databases: what the look-up of return calls reads."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from db.engine import Database
from db.quick import Question, QuickReader
from db.rules.callers import Match, Outbound, Spoke
from db.rules.telephony import CallState, Direction
from db.rules.terms import AnsweredBy, Area, Channel, PhoneStatus
from db.rules.viewer import NotAllowedError, system_viewer
from db.schema.base import new_id
from db.schema.calls import Call
from db.schema.contacts import Contact
from db.schema.people import Phone
from db.schema.staff import Staff
from db.store import callers, office
from tests.integration.db.people import ADMIN, NOW, SmallOffice

DAY = timedelta(days=1)
SINCE = NOW - 14 * DAY
NUMBER = "+819011112222"
VIEWER = system_viewer("agi")


class History:
    """Writes contacts and calls, and asks whose the number is."""

    def __init__(self, small: SmallOffice) -> None:
        self.small = small
        self.database = small.database
        self.user = small.user("op").user_id

    def contact(self, debtor_id: int, channel: Channel, days_ago: float = 1, **values: object) -> uuid.UUID:
        contact_id = new_id()
        row: dict[str, object] = {
            "id": contact_id,
            "debtor_id": debtor_id,
            "area": Area.TAX,
            "channel": channel,
            "at": NOW - days_ago * DAY,
            "user_id": self.user,
            "answered_by": AnsweredBy.NOBODY,
            "disposition": "no_answer",
            "recorded_at": NOW,
        }
        with self.database.write() as tx:
            tx.execute(insert(Contact).values(**row | values))
        return contact_id

    def call(self, debtor_id: int, joined_at: datetime | None, days_ago: float = 0.01) -> None:
        with self.database.write() as tx:
            tx.execute(
                insert(Call).values(
                    id=new_id(),
                    direction=Direction.IN,
                    debtor_id=debtor_id,
                    area=Area.TAX,
                    user_id=self.user,
                    seat="1001",
                    state=CallState.ENDED,
                    started_at=NOW - days_ago * DAY,
                    joined_at=joined_at,
                )
            )

    def matches(self, area: Area = Area.TAX, number: str = NUMBER) -> list[Match]:
        """Asked both ways, which must not differ."""
        question = callers.matches(VIEWER, number, area, SINCE)
        return self.ask(question)

    def ask(self, question: Question[list[Match]]) -> list[Match]:
        with self.database.read() as tx:
            found = question.ask(tx)
        if self.database.is_sqlite:
            reader = QuickReader(self.database.file)
            assert reader.ask(question) == found
            reader.close()
        return found


@pytest.fixture
def history(small: SmallOffice) -> History:
    return History(small)


@pytest.mark.req("T5")
def test_everyone_with_the_number_is_found_and_nobody_else(history: History) -> None:
    first, second = history.small.debtor(), history.small.debtor("山田 花子", "ヤマダ ハナコ")
    history.small.debtor("別人", "ベツジン", phone="+819033334444")
    assert [match.debtor_id for match in history.matches()] == [first, second]
    assert history.matches(number="+819099999999") == []


@pytest.mark.req("T5", "T15")
def test_a_case_of_another_area_is_not_found(history: History) -> None:
    history.small.debtor(area=Area.HEALTH, owes=0)
    assert history.matches(Area.TAX) == []
    assert len(history.matches(Area.HEALTH)) == 1


@pytest.mark.req("T5")
def test_a_number_known_to_be_somebody_elses_is_passed_over(history: History) -> None:
    history.small.debtor()
    with history.database.write() as tx:
        tx.execute(update(Phone).values(status=PhoneStatus.WRONG_PERSON))
    assert history.matches() == []


@pytest.mark.req("C1")
def test_without_the_right_nothing_is_asked(history: History) -> None:
    with pytest.raises(NotAllowedError):
        callers.matches(VIEWER.within([Area.HEALTH]), NUMBER, Area.TAX, SINCE)


@pytest.mark.req("T5")
@pytest.mark.parametrize("channel", [Channel.CALL_OUT, Channel.SMS, Channel.LETTER, Channel.VISIT])
def test_the_newest_outbound_contact_is_found_whatever_its_kind(history: History, channel: Channel) -> None:
    debtor_id = history.small.debtor()
    history.contact(debtor_id, Channel.LETTER, 9)
    newest = history.contact(debtor_id, channel, 2)
    history.contact(debtor_id, Channel.CALL_IN, 1)
    history.contact(debtor_id, Channel.COUNTER, 1)
    history.contact(debtor_id, Channel.SMS, 1, area=Area.HEALTH)
    (match,) = history.matches()
    assert match.outbound == Outbound(newest, NOW - 2 * DAY)


@pytest.mark.req("T5")
def test_contacts_before_the_days_that_count_are_not_read(history: History) -> None:
    history.contact(history.small.debtor(), Channel.LETTER, 15)
    (match,) = history.matches()
    assert match.outbound is None


@pytest.mark.req("T1", "T5")
def test_of_a_corrected_contact_the_correction_counts(history: History) -> None:
    debtor_id = history.small.debtor()
    wrong = history.contact(debtor_id, Channel.CALL_OUT, 2, answered_by=AnsweredBy.SELF)
    right = history.contact(debtor_id, Channel.CALL_OUT, 3, corrects_id=wrong)
    (match,) = history.matches()
    assert match.outbound is not None
    assert match.outbound.id == right
    assert match.spoke is None


@pytest.mark.req("T5")
def test_who_last_spoke_with_the_person_is_found(history: History) -> None:
    debtor_id = history.small.debtor()
    other = history.small.user("other").user_id
    history.contact(debtor_id, Channel.CALL_OUT, 40, answered_by=AnsweredBy.SELF, user_id=other)
    history.contact(debtor_id, Channel.CALL_IN, 30, answered_by=AnsweredBy.FAMILY)
    history.contact(debtor_id, Channel.CALL_OUT, 1, user_id=other)
    history.contact(debtor_id, Channel.VISIT, 1, answered_by=AnsweredBy.SELF, user_id=other)
    (match,) = history.matches()
    assert match.spoke == Spoke(history.user, NOW - 30 * DAY), "nobody was reached in the last, a visit was no talk"


@pytest.mark.req("T5")
def test_a_talk_that_was_cut_off_counts_before_its_result_is_saved(history: History) -> None:
    debtor_id = history.small.debtor()
    other = history.small.user("other").user_id
    history.contact(debtor_id, Channel.CALL_OUT, 1, answered_by=AnsweredBy.SELF, user_id=other)
    history.call(debtor_id, NOW - 0.02 * DAY, 0.03)
    history.call(debtor_id, None, 0.01)
    (match,) = history.matches()
    assert match.spoke == Spoke(history.user, NOW - 0.02 * DAY)


@pytest.mark.req("T5")
def test_a_colleague_who_has_left_is_not_waited_for(history: History) -> None:
    debtor_id = history.small.debtor()
    history.contact(debtor_id, Channel.CALL_OUT, 1, answered_by=AnsweredBy.SELF)
    history.call(debtor_id, NOW - 0.02 * DAY)
    with history.database.write() as tx:
        tx.execute(update(Staff).values(disabled_at=NOW))
    (match,) = history.matches()
    assert match.spoke is None


@pytest.mark.req("T5")
def test_an_institutions_number_is_cut_off(history: History) -> None:
    for _ in range(callers.MATCHES + 1):
        history.small.debtor(owes=0)
    assert len(history.matches()) == callers.MATCHES


@pytest.mark.req("T5")
def test_the_recorded_return_call_is_attributed_to_the_person_it_was_about(history: History) -> None:
    debtor_id = history.small.debtor()
    letter = history.contact(debtor_id, Channel.LETTER, 3)
    wrong = history.contact(debtor_id, Channel.SMS, 2)
    right = history.contact(debtor_id, Channel.LETTER, 2, corrects_id=wrong)
    history.contact(debtor_id, Channel.SMS, -1)
    history.contact(debtor_id, Channel.CALL_IN, 1)
    with history.database.read() as tx:
        assert callers.answered(tx, VIEWER, debtor_id, Area.TAX, NOW, SINCE) == right
        assert callers.answered(tx, VIEWER, debtor_id, Area.TAX, NOW - 2.5 * DAY, SINCE) == letter
        assert callers.answered(tx, VIEWER, debtor_id, Area.TAX, NOW, NOW - 1.5 * DAY) is None
        with pytest.raises(NotAllowedError):
            callers.answered(tx, VIEWER.within([]), debtor_id, Area.TAX, NOW, SINCE)


@pytest.mark.req("T5")
def test_each_of_the_offices_numbers_belongs_to_an_area(database: Database) -> None:
    def listed() -> dict[str, Area]:
        with database.read() as tx:
            return dict(callers.lines().ask(tx))

    assert listed() == {}
    for given in ({"0312340001": "health"}, {"03-1234-0002": "health", "110": "tax", "0312340003": "cats"}):
        with database.write() as tx:
            office.put(tx, ADMIN, callers.LINES, given, NOW)
    assert listed() == {"+81312340002": Area.HEALTH}
    if database.is_sqlite:
        reader = QuickReader(database.file)
        assert reader.ask(callers.lines()) == listed()
        reader.close()
    assert callers.line_area(listed(), "0312340002") is Area.HEALTH
    assert callers.line_area(listed(), "+81 3-1234-0002") is Area.HEALTH
    assert [callers.line_area(listed(), dialled) for dialled in ("0312340001", "", "s")] == [Area.TAX] * 3
