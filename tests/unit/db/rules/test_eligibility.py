"""May we contact them? Every reason against it, and that nothing unknown or added ever turns a no into a yes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.eligibility import ContactFacts, ContactPolicy, may_contact, needed_facts
from db.rules.officetime import JST, office_time
from db.rules.terms import Area, Channel, FlagKind, PhoneKind, PhoneStatus

CALL, SMS, LETTER, VISIT = Channel.CALL_OUT, Channel.SMS, Channel.LETTER, Channel.VISIT
OUTBOUND = [CALL, SMS, LETTER, VISIT]
GOOD = ContactFacts(
    channel=CALL,
    area=Area.TAX,
    at=datetime(2026, 11, 24, 10, 0, tzinfo=JST),
    policy=ContactPolicy(),
    flags=frozenset(),
    owed=10_000,
    promise_in_force=False,
    paid_recently=False,
    data_age_hours=12,
    closed_day=False,
    contacts_today=0,
    contacts_this_week=0,
    household_today=0,
    number_today=0,
    number_kind=PhoneKind.MOBILE,
    number_status=PhoneStatus.USABLE,
    opted_out=False,
    in_call=False,
    household_in_call=False,
    emergency_stop=False,
    actor_contracted=False,
)


def facts(**changes: Any) -> ContactFacts:
    return replace(GOOD, **changes)


def codes(asked: ContactFacts) -> set[str]:
    return {reason.code for reason in may_contact(asked).reasons}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=JST)


@pytest.mark.req("C4", "S3")
@pytest.mark.parametrize("channel", OUTBOUND)
def test_with_everything_known_and_nothing_against_it_yes(channel: Channel) -> None:
    decision = may_contact(facts(channel=channel))
    assert (decision.allowed, decision.reasons, decision.waived) == (True, (), ())


AGAINST: list[tuple[str, dict[str, Any], set[Channel]]] = [
    ("emergency_stop", {"emergency_stop": True}, {CALL, SMS}),
    ("night", {"at": at(21)}, {CALL, SMS, VISIT}),
    ("night", {"at": at(7, 59)}, {CALL, SMS, VISIT}),
    ("before_hours", {"at": at(8, 59)}, {CALL, SMS, VISIT}),
    ("after_hours", {"at": at(20)}, {CALL, SMS, VISIT}),
    ("closed_day", {"closed_day": True}, {CALL, SMS, VISIT}),
    ("flag_protected", {"flags": frozenset({FlagKind.PROTECTED})}, set(OUTBOUND)),
    ("flag_lawyer", {"flags": frozenset({FlagKind.LAWYER})}, set(OUTBOUND)),
    ("flag_bankrupt", {"flags": frozenset({FlagKind.BANKRUPT})}, set(OUTBOUND)),
    ("flag_deceased", {"flags": frozenset({FlagKind.DECEASED})}, set(OUTBOUND)),
    ("flag_deferred", {"flags": frozenset({FlagKind.DEFERRED})}, set(OUTBOUND)),
    ("flag_suspended", {"flags": frozenset({FlagKind.SUSPENDED})}, set(OUTBOUND)),
    ("flag_written_off", {"flags": frozenset({FlagKind.WRITTEN_OFF})}, set(OUTBOUND)),
    ("flag_excluded", {"flags": frozenset({FlagKind.EXCLUDED})}, set(OUTBOUND)),
    ("flag_no_calls", {"flags": frozenset({FlagKind.NO_CALLS})}, {CALL}),
    ("flag_no_sms", {"flags": frozenset({FlagKind.NO_SMS})}, {SMS}),
    ("paid", {"owed": 0}, set(OUTBOUND)),
    ("promised", {"promise_in_force": True}, set(OUTBOUND)),
    ("paid_recently", {"paid_recently": True}, set(OUTBOUND)),
    ("stale_data", {"data_age_hours": 97}, set(OUTBOUND)),
    ("opted_out", {"opted_out": True}, {CALL, SMS}),
    ("not_mobile", {"number_kind": PhoneKind.LANDLINE}, {SMS}),
    ("number_kind", {"number_kind": PhoneKind.FOREIGN}, {CALL}),
    ("number_kind", {"number_kind": PhoneKind.SHARED_COST}, {CALL}),
    ("number_unallocated", {"number_status": PhoneStatus.UNALLOCATED}, {CALL, SMS}),
    ("number_wrong_person", {"number_status": PhoneStatus.WRONG_PERSON}, {CALL, SMS}),
    ("number_refused", {"number_status": PhoneStatus.REFUSED}, {CALL, SMS}),
    ("person_day_cap", {"contacts_today": 2}, {CALL, SMS, VISIT}),
    ("person_week_cap", {"contacts_this_week": 5}, {CALL, SMS, VISIT}),
    ("household_day_cap", {"household_today": 3}, {CALL, SMS, VISIT}),
    ("number_day_cap", {"number_today": 2}, {CALL, SMS}),
    ("in_call", {"in_call": True}, {CALL}),
    ("household_in_call", {"household_in_call": True}, {CALL}),
]
SOFT = {"promised", "paid_recently", "person_day_cap", "person_week_cap", "household_day_cap", "number_day_cap"}


@pytest.mark.req("C4", "S3")
@pytest.mark.parametrize(("code", "changes", "channels"), AGAINST)
def test_each_reason_on_the_channels_it_concerns(code: str, changes: dict[str, Any], channels: set[Channel]) -> None:
    for channel in OUTBOUND:
        assert (code in codes(facts(channel=channel, **changes))) == (channel in channels)


@pytest.mark.req("C4")
@pytest.mark.parametrize(("code", "changes", "channels"), AGAINST)
def test_a_deliberate_call_by_an_officer_passes_over_soft_reasons_only(
    code: str, changes: dict[str, Any], channels: set[Channel]
) -> None:
    if CALL not in channels:
        return
    decision = may_contact(facts(deliberate=True, **changes))
    assert decision.allowed == (code in SOFT)
    assert (code in {reason.code for reason in decision.waived}) == (code in SOFT)
    assert not may_contact(facts(deliberate=True, actor_contracted=True, **changes)).allowed
    assert not may_contact(facts(deliberate=False, **changes)).allowed


@pytest.mark.req("C4")
def test_only_a_call_can_be_deliberate() -> None:
    for channel in (SMS, LETTER, VISIT):
        assert not may_contact(facts(channel=channel, deliberate=True, promise_in_force=True)).allowed


@pytest.mark.req("C4")
def test_protected_people_are_called_by_officers_only_where_the_office_says_so() -> None:
    policy = ContactPolicy(protected_by_officer=True)
    flags = frozenset({FlagKind.PROTECTED})
    assert may_contact(facts(policy=policy, flags=flags, deliberate=True)).allowed
    assert not may_contact(facts(policy=policy, flags=flags)).allowed
    assert not may_contact(facts(policy=policy, flags=flags, deliberate=True, actor_contracted=True)).allowed
    assert not may_contact(facts(policy=policy, flags=flags, deliberate=True, channel=LETTER)).allowed


@pytest.mark.req("C4")
def test_the_screen_is_told_in_japanese() -> None:
    (late,) = may_contact(facts(at=at(20, 5))).reasons
    assert late.text == "20:00を過ぎているため架電できません。"
    (capped,) = may_contact(facts(channel=SMS, contacts_today=2)).reasons
    assert capped.text == "本日の連絡が上限（2回）に達しているためSMSを送信できません。"
    (unknown,) = may_contact(facts(channel=VISIT, owed=None)).reasons
    assert unknown.text == "滞納額を確認できないため訪問できません。"


@pytest.mark.req("C4")
def test_hours_are_the_offices_whatever_zone_the_moment_comes_in() -> None:
    assert codes(facts(at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC))) == {"night", "after_hours"}
    assert may_contact(facts(at=datetime(2026, 11, 24, 1, 0, tzinfo=UTC))).allowed
    assert office_time(datetime(2026, 11, 24, 15, 0, tzinfo=UTC)).date() == datetime(2026, 11, 25, tzinfo=JST).date()
    with pytest.raises(ValueError, match="time zone"):
        may_contact(facts(at=at(10).replace(tzinfo=None)))


@pytest.mark.req("C4")
def test_no_setting_reaches_into_the_night() -> None:
    policy = ContactPolicy(opens=time(0), closes=time(23, 59))
    assert codes(facts(policy=policy, at=at(21))) == {"night"}
    assert may_contact(facts(policy=policy, at=at(20, 59))).allowed
    assert may_contact(facts(policy=policy, at=at(8))).allowed
    with pytest.raises(ValueError, match="never open"):
        ContactPolicy(opens=time(20), closes=time(9))


@pytest.mark.req("C4", "T15")
@pytest.mark.parametrize("area", [Area.HEALTH, Area.SURVEY])
def test_debts_say_nothing_to_health_and_survey_staff(area: Area) -> None:
    debt = facts(
        area=area,
        owed=None,
        promise_in_force=None,
        paid_recently=None,
        data_age_hours=None,
        flags=frozenset({FlagKind.LAWYER, FlagKind.BANKRUPT, FlagKind.SUSPENDED, FlagKind.WRITTEN_OFF}),
    )
    assert may_contact(debt).allowed
    assert codes(replace(debt, flags=frozenset({FlagKind.DECEASED}))) == {"flag_deceased"}


@pytest.mark.req("C4")
@pytest.mark.parametrize("channel", [Channel.CALL_IN, Channel.COUNTER])
def test_only_what_we_start_is_decided_here(channel: Channel) -> None:
    assert codes(facts(channel=channel)) == {"not_outbound"}


@pytest.mark.req("C4")
def test_nothing_known_means_no_with_every_gap_named() -> None:
    bare = ContactFacts(channel=CALL, area=Area.TAX, at=at(10), policy=ContactPolicy())
    assert codes(bare) == {f"unknown_{name}" for name in needed_facts(CALL, Area.TAX)}
    # A call rests on every fact there is: a new fact must be needed by somebody, or it would never be missed.
    question = {"channel", "area", "at", "policy", "deliberate"}
    assert set(needed_facts(CALL, Area.TAX)) == set(ContactFacts.__dataclass_fields__) - question


ANY_FACTS = st.builds(
    ContactFacts,
    channel=st.sampled_from(OUTBOUND),
    area=st.sampled_from(Area),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    policy=st.builds(ContactPolicy, closed_days=st.booleans(), protected_by_officer=st.booleans()),
    flags=st.frozensets(st.sampled_from(FlagKind), max_size=2),
    owed=st.integers(0, 3),
    promise_in_force=st.booleans(),
    paid_recently=st.booleans(),
    data_age_hours=st.integers(0, 100),
    closed_day=st.booleans(),
    contacts_today=st.integers(0, 3),
    contacts_this_week=st.integers(0, 6),
    household_today=st.integers(0, 4),
    number_today=st.integers(0, 3),
    number_kind=st.sampled_from(PhoneKind),
    number_status=st.sampled_from(PhoneStatus),
    opted_out=st.booleans(),
    in_call=st.booleans(),
    household_in_call=st.booleans(),
    emergency_stop=st.booleans(),
    actor_contracted=st.booleans(),
    deliberate=st.booleans(),
)
MOSTLY_GOOD = st.builds(
    lambda channel, deliberate, flags: facts(channel=channel, deliberate=deliberate, flags=flags),
    st.sampled_from(OUTBOUND),
    st.booleans(),
    st.frozensets(st.sampled_from([FlagKind.INTERPRETER, FlagKind.CAUTION])),
)
WORSE: list[Callable[[ContactFacts], ContactFacts]] = [
    *(lambda f, flag=flag: replace(f, flags=(f.flags or frozenset()) | {flag}) for flag in FlagKind),
    *(
        lambda f, change=change: replace(f, **change)
        for _, change, _ in AGAINST
        if not change.keys() & {"flags", "at", "number_kind", "number_status"}
    ),
    lambda f: replace(f, deliberate=False),
    lambda f: replace(f, actor_contracted=True),
]


@pytest.mark.req("C4")
@given(ANY_FACTS | MOSTLY_GOOD, st.sampled_from(WORSE))
def test_one_more_reason_never_turns_no_into_yes(
    asked: ContactFacts, worsen: Callable[[ContactFacts], ContactFacts]
) -> None:
    before, after = may_contact(asked), may_contact(worsen(asked))
    assert before.allowed or not after.allowed
    assert {r.code for r in before.reasons} <= {r.code for r in after.reasons}


@pytest.mark.req("C4")
@given(ANY_FACTS | MOSTLY_GOOD, st.data())
def test_any_unknown_means_no(asked: ContactFacts, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(needed_facts(asked.channel, asked.area))))
    unknown: dict[str, Any] = {name: None}
    decision = may_contact(replace(asked, **unknown))
    assert not decision.allowed
    assert f"unknown_{name}" in {reason.code for reason in decision.reasons}


@given(ANY_FACTS)
def test_every_reason_has_a_sentence_and_only_soft_ones_are_waived(asked: ContactFacts) -> None:
    decision = may_contact(asked)
    for reason in decision.reasons + decision.waived:
        assert reason.text.endswith("できません。")
    assert all(reason.soft for reason in decision.waived)
    assert len({reason.code for reason in decision.reasons}) == len(decision.reasons)
