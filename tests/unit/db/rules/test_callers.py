"""Who calls back, and which contact the call answers."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.callers import (
    HEADERS,
    LISTED,
    Caller,
    CallerKind,
    Match,
    Outbound,
    Spoke,
    answered_contact,
    identify,
)
from db.rules.terms import Area, PhoneKind, PhoneOwner

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)
NUMBER = "+819012345678"


def outbound(days_ago: float) -> Outbound:
    return Outbound(uuid.uuid4(), NOW - days_ago * DAY)


def known(*matches: Match, kind: PhoneKind = PhoneKind.MOBILE) -> Caller:
    return identify(NUMBER, kind, Area.TAX, matches, NOW, 14 * DAY)


@pytest.mark.req("T5")
def test_a_return_call_answers_the_latest_outbound_contact_within_fourteen_days() -> None:
    letter, missed_call = outbound(9), outbound(2)
    assert answered_contact(NOW, [letter, missed_call]) == missed_call.id
    assert answered_contact(NOW, [missed_call, letter]) == missed_call.id
    assert answered_contact(NOW, [outbound(14.01)]) is None
    assert answered_contact(NOW, [(edge := outbound(14))]) == edge.id
    assert answered_contact(NOW, []) is None


@pytest.mark.req("T5")
def test_what_the_office_did_after_the_call_did_not_cause_it() -> None:
    before, after = outbound(3), outbound(-0.1)
    assert answered_contact(NOW, [before, after]) == before.id


@pytest.mark.req("T5")
def test_for_how_long_is_a_setting() -> None:
    assert answered_contact(NOW, [outbound(9)], timedelta(days=7)) is None


@pytest.mark.req("T5")
def test_one_person_with_the_number_is_known() -> None:
    sms = outbound(1)
    caller = known(Match(7, PhoneOwner.SELF, sms, Spoke(3, NOW - 5 * DAY)))
    assert caller == Caller(CallerKind.KNOWN, NUMBER, Area.TAX, (7,), 3, sms.id)


@pytest.mark.req("T5")
def test_of_several_people_the_one_the_office_turned_to_last_comes_first() -> None:
    newest = outbound(1)
    caller = known(
        Match(1, PhoneOwner.SELF),
        Match(2, PhoneOwner.FAMILY, outbound(4), Spoke(8, NOW - 4 * DAY)),
        Match(3, PhoneOwner.FAMILY, newest, Spoke(9, NOW - 30 * DAY)),
    )
    assert caller.kind is CallerKind.SEVERAL
    assert caller.candidates == (3, 2, 1)
    assert (caller.last_operator, caller.answers) == (8, newest.id)


@pytest.mark.req("T5")
def test_where_the_office_did_nothing_the_persons_own_phone_comes_first() -> None:
    assert known(Match(1, PhoneOwner.FAMILY), Match(2, PhoneOwner.SELF)).candidates == (2, 1)


@pytest.mark.req("T5")
def test_no_more_are_listed_than_an_operator_can_look_through() -> None:
    assert len(known(*(Match(n, PhoneOwner.OTHER) for n in range(50))).candidates) == LISTED


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (PhoneKind.MOBILE, CallerKind.UNKNOWN),
        (PhoneKind.LANDLINE, CallerKind.UNKNOWN),
        (PhoneKind.FOREIGN, CallerKind.FOREIGN),
        (PhoneKind.TOLL_FREE, CallerKind.SERVICE),
        (PhoneKind.SHARED_COST, CallerKind.SERVICE),
    ],
)
def test_a_number_on_no_record_says_what_kind_it_is(kind: PhoneKind, said: CallerKind) -> None:
    assert known(kind=kind) == Caller(said, NUMBER, Area.TAX)
    assert known(Match(1, PhoneOwner.SELF), kind=kind).kind is CallerKind.KNOWN, "on a record, any number is known"


callers = st.builds(
    Caller,
    kind=st.sampled_from(CallerKind),
    number=st.just("") | st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    area=st.sampled_from(Area),
    candidates=st.lists(st.integers(0, 10**18), max_size=LISTED).map(tuple),
    last_operator=st.none() | st.integers(0, 10**9),
    answers=st.none() | st.uuids(),
)


@pytest.mark.req("T5")
@given(callers)
def test_what_the_server_says_is_what_the_bridge_reads(caller: Caller) -> None:
    variables = caller.variables()
    assert all(re.fullmatch(r"[A-Za-z0-9_.:+&-]*", value) for value in variables.values()), "plain, so without a comma"
    headers = {HEADERS[variable]: value for variable, value in variables.items()}
    assert Caller.from_headers(headers) == caller


@pytest.mark.req("T5")
@given(st.dictionaries(st.sampled_from(sorted(HEADERS.values())), st.text(max_size=60)))
def test_whatever_comes_is_read_without_an_error(headers: dict[str, str]) -> None:
    assert len(Caller.from_headers(headers).candidates) <= LISTED


@pytest.mark.req("T5")
def test_without_the_server_a_caller_is_one_not_asked_about() -> None:
    assert Caller.from_headers({}) == Caller(CallerKind.UNASKED)
