"""Best time and best number: the model learns what is there, and is honest about what it does not know."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.reach import SLOTS, SUNDAY, City, Dial, Number, Slot, assumed_city, dial_of, learn, slot_of

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
TUESDAY_MORNING = Slot(1, 1)
SATURDAY_MORNING = Slot(5, 1)
EVENING = Slot(1, 5)

dials = st.lists(
    st.builds(Dial, st.sampled_from(SLOTS), st.booleans(), st.floats(min_value=0.01, max_value=1.0)), max_size=12
)


@pytest.mark.req("T2")
def test_a_slot_is_a_weekday_and_hours_and_a_holiday_is_a_sunday() -> None:
    assert slot_of(NOW, lambda _: False) == TUESDAY_MORNING
    assert slot_of(NOW, lambda day: day == date(2026, 11, 24)) == Slot(SUNDAY, 1)
    assert slot_of(NOW + timedelta(days=4), lambda _: True) == SATURDAY_MORNING
    assert slot_of(NOW + timedelta(hours=10, minutes=29), lambda _: False) == Slot(1, 6)
    assert slot_of(NOW + timedelta(hours=10, minutes=30), lambda _: False) is None
    assert slot_of(NOW - timedelta(hours=2, minutes=31), lambda _: False) is None


@pytest.mark.req("T2")
def test_a_dial_counts_half_after_half_a_year() -> None:
    fresh = dial_of(NOW, NOW, lambda _: False, reached=True)
    old = dial_of(NOW - timedelta(days=180), NOW, lambda _: False, reached=True)
    assert fresh is not None
    assert old is not None
    assert fresh.weight == 1.0
    assert old.weight == pytest.approx(0.5)


@pytest.mark.req("T2")
def test_knowing_nothing_it_says_so() -> None:
    number = Number(assumed_city(), [])
    assert number.tried == 0
    assert "実績はまだありません" in number.why(EVENING)
    assert "想定" in number.why(EVENING)
    assert number.chance(Slot(6, 1)) > number.chance(SATURDAY_MORNING) > number.chance(TUESDAY_MORNING)


@pytest.mark.req("T2")
def test_the_reason_counts_the_dials_behind_it() -> None:
    city = learn([[Dial(EVENING, reached=True)], [Dial(EVENING, reached=False)]])
    number = Number(city, [Dial(EVENING, reached=True), Dial(TUESDAY_MORNING, reached=False)])
    why = number.why(EVENING)
    assert why.startswith("この番号は2回中1回つながりました（火 18～20時は1回中1回）。市全体では火 18～20時に")
    assert "想定" not in why


@pytest.mark.req("T2")
@given(dials, st.sampled_from(SLOTS))
def test_a_chance_is_a_chance_and_another_miss_never_raises_it(past: list[Dial], slot: Slot) -> None:
    city = assumed_city()
    before = Number(city, past).chance(slot)
    after = Number(city, [*past, Dial(slot, reached=False)]).chance(slot)
    assert 0.0 <= after <= before + 1e-9 <= 1.0


@pytest.mark.req("T2")
@given(dials, st.sampled_from(SLOTS))
def test_another_answer_never_lowers_it(past: list[Dial], slot: Slot) -> None:
    city = assumed_city()
    assert Number(city, [*past, Dial(slot, reached=True)]).chance(slot) >= Number(city, past).chance(slot) - 1e-9


@pytest.mark.req("T2")
def test_misses_lower_every_hour_and_most_the_hour_itself() -> None:
    city = assumed_city()
    number = Number(city, [Dial(TUESDAY_MORNING, reached=False)] * 4)
    fresh = Number(city, [])
    assert number.chance(SATURDAY_MORNING) < fresh.chance(SATURDAY_MORNING)
    loss = {slot: number.chance(slot) / fresh.chance(slot) for slot in SLOTS}
    assert min(loss, key=loss.__getitem__) == TUESDAY_MORNING


@pytest.mark.req("T2")
def test_an_own_pattern_beats_the_citys() -> None:
    evenings = [[Dial(EVENING, n % 5 < 2)] for n in range(500)]
    city = learn(evenings + [[Dial(SATURDAY_MORNING, n % 5 < 1)] for n in range(500)])
    contrary = [Dial(SATURDAY_MORNING, reached=True)] * 5 + [Dial(EVENING, reached=False)] * 5
    assert Number(city, []).best(SLOTS).band == EVENING.band
    assert Number(city, contrary).best([EVENING, SATURDAY_MORNING]) == SATURDAY_MORNING


@pytest.mark.req("T2")
def test_one_lucky_dial_in_an_hour_never_tried_is_not_believed() -> None:
    usual = [[Dial(slot, reached=n % 4 == 0)] for slot in SLOTS if slot.weekday < 5 for n in range(40)]
    city = learn([*usual, [Dial(Slot(6, 0), reached=True)]])
    assert city.chance(Slot(6, 0)) < 0.4


@pytest.mark.req("T2")
def test_an_hour_is_not_blamed_for_the_people_on_whom_it_was_tried() -> None:
    """Evenings are better for everybody, but only those are tried in the evening who hardly ever answer."""
    rng = random.Random(1)
    morning, evening = {False: 0.35, True: 0.04}, {False: 0.55, True: 0.09}
    histories = []
    for number in range(2_500):
        hard = number % 2 == 0
        past = [Dial(TUESDAY_MORNING, rng.random() < morning[hard]) for _ in range(5)]
        tried = 5 if hard else 1
        past += [Dial(EVENING, rng.random() < evening[hard]) for _ in range(tried)]
        histories.append(past)
    raw = {
        slot: [d.reached for past in histories for d in past if d.slot == slot] for slot in (TUESDAY_MORNING, EVENING)
    }
    assert sum(raw[EVENING]) / len(raw[EVENING]) < sum(raw[TUESDAY_MORNING]) / len(raw[TUESDAY_MORNING])
    city = learn(histories)
    assert city.chance(EVENING) > 1.2 * city.chance(TUESDAY_MORNING)


@pytest.mark.req("T2")
def test_what_it_foretells_is_what_happens() -> None:
    """Calibration: of numbers with three misses, as many answer the fourth dial as it says."""
    rng = random.Random(2)

    def truth() -> float:
        return 0.0 if rng.random() < 0.3 else rng.betavariate(2, 4)

    histories = []
    for _ in range(4_000):
        chance = truth()
        histories.append([Dial(TUESDAY_MORNING, rng.random() < chance) for _ in range(4)])
    city = learn([past[:3] for past in histories])
    missed = [past for past in histories if not any(dial.reached for dial in past[:3])]
    happened = sum(past[3].reached for past in missed) / len(missed)
    assert Number(city, missed[0][:3]).chance(Slot(3, 3)) == pytest.approx(happened, abs=0.03)


@pytest.mark.req("T2")
def test_a_city_without_dials_is_assumed() -> None:
    assert learn([[], []]) == assumed_city()
    assert isinstance(assumed_city(), City)
    assert assumed_city().dials == 0
