"""The pacers: what they are told and asked, that caps are walls, and that nothing is left to chance."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ami_bridge.pacing import Pacer, PacingError, PredictivePacer, ProgressivePacer, RatioPacer
from ami_bridge.pacing_answers import AnswerRate, place_of, probability_at
from ami_bridge.pacing_curves import TIMES, Durations, RingTimes, freed_after_talk, freed_after_wrap_up
from ami_bridge.pacing_outlook import Count, distribution, nobody_free
from bench.pacing_optimum import bound
from bench.pacing_sim import STAGED, Scenario, constant, simulate, step

PACERS = (PredictivePacer, ProgressivePacer, RatioPacer)


def predictive(target: float = 0.026, *, lines: int = 400, cps: float = 20.0, cap: float = 0.03) -> PredictivePacer:
    return PredictivePacer(target_abandonment=target, max_lines=lines, calls_per_second=cps, cap=cap)


def ready(pacer: Pacer, count: int, now: float = 0.0) -> None:
    for number in range(count):
        pacer.agent_state(f"op{number}", "ready", now)


def place(pacer: Pacer, count: int, now: float, name: str = "c") -> None:
    for number in range(count):
        pacer.call_placed(f"{name}{number}", now)


# -- the interface ----------------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
@pytest.mark.parametrize("kind", PACERS)
def test_nothing_is_dialled_without_an_operator(kind: type[Pacer]) -> None:
    pacer = kind(target_abandonment=0.02, max_lines=10, calls_per_second=5.0)
    assert pacer.calls_to_place(0.0) == 0
    pacer.agent_state("op0", "ready", 0.0)
    pacer.agent_state("op0", "away", 1.0)
    assert pacer.calls_to_place(1.0) == 0


@pytest.mark.req("T4")
@pytest.mark.parametrize("kind", PACERS)
def test_every_free_operator_gets_a_line(kind: type[Pacer]) -> None:
    pacer = kind(target_abandonment=0.02, max_lines=100, calls_per_second=50.0)
    ready(pacer, 7)
    assert pacer.calls_to_place(0.0) >= 7


@pytest.mark.req("T4")
def test_it_says_when_the_calls_per_second_let_another_be_started() -> None:
    pacer = RatioPacer(target_abandonment=0.02, max_lines=100, calls_per_second=4.0, lines_per_operator=2.0)
    ready(pacer, 7)
    place(pacer, 3, 0.0)
    assert pacer.again_in(0.5) == 0.0
    place(pacer, 1, 0.5, "d")
    assert (pacer.calls_to_place(0.75), pacer.again_in(0.75)) == (0, 0.25)
    assert (pacer.calls_to_place(1.0), pacer.again_in(1.0)) == (3, 0.0)


@pytest.mark.req("T4")
def test_progressive_dials_no_more_than_free_operators() -> None:
    pacer = ProgressivePacer(target_abandonment=0.02, max_lines=100, calls_per_second=50.0)
    ready(pacer, 3)
    place(pacer, 2, 0.0)
    assert pacer.calls_to_place(0.5) == 1
    pacer.call_ended("c0", answered=True, now=5.0)  # waits: takes an operator in a moment
    assert pacer.calls_to_place(5.0) == 1
    pacer.call_connected("c0", "op0", 5.1)
    assert pacer.calls_to_place(5.5) == 1
    pacer.agent_state("op0", "wrapup", 60.0)
    assert pacer.calls_to_place(60.0) == 1
    pacer.agent_state("op0", "ready", 90.0)
    assert pacer.calls_to_place(90.0) == 2


@pytest.mark.req("T4")
def test_ratio_dials_its_ratio_until_the_wall() -> None:
    pacer = RatioPacer(target_abandonment=0.02, max_lines=100, calls_per_second=50.0, lines_per_operator=1.5)
    ready(pacer, 4)
    assert pacer.calls_to_place(0.0) == 6
    pacer.restore(100, 3)
    assert pacer.calls_to_place(0.0) == 4


@pytest.mark.req("T4")
def test_an_operator_who_leaves_is_off_the_pacing_at_once() -> None:
    pacer = predictive()
    ready(pacer, 5)
    for number in range(5):
        pacer.agent_state(f"op{number}", "away", 1.0)
    assert pacer.calls_to_place(1.0) == 0


@pytest.mark.parametrize(
    ("settings_", "code"),
    [
        ({"target_abandonment": -0.1}, "pacing-settings"),
        ({"target_abandonment": 1.1}, "pacing-settings"),
        ({"cap": 2.0}, "pacing-settings"),
        ({"max_lines": -1}, "pacing-settings"),
        ({"calls_per_second": 0.0}, "pacing-settings"),
        ({"calls_per_second": float("nan")}, "pacing-settings"),
    ],
)
def test_settings_without_meaning_are_refused(settings_: dict[str, float], code: str) -> None:
    good: dict[str, float] = {"target_abandonment": 0.02, "max_lines": 10, "calls_per_second": 5.0}
    with pytest.raises(PacingError) as caught:
        PredictivePacer(**{**good, **settings_})  # type: ignore[arg-type]
    assert caught.value.code == code


def test_words_without_meaning_are_refused() -> None:
    pacer = predictive()
    with pytest.raises(PacingError, match="resting") as state:
        pacer.agent_state("op0", "resting", 0.0)
    assert state.value.code == "pacing-state"
    with pytest.raises(PacingError) as ledger:
        pacer.restore(3, 4)
    assert ledger.value.code == "pacing-ledger"


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
@given(lines=st.integers(0, 12), ringing=st.integers(0, 12), operators=st.integers(1, 20))
def test_lines_are_never_exceeded(lines: int, ringing: int, operators: int) -> None:
    pacer = predictive(lines=lines, cps=1000.0)
    ready(pacer, operators)
    place(pacer, ringing, 0.0)
    assert pacer.calls_to_place(0.5) <= max(0, lines - ringing)


@pytest.mark.req("T4")
@given(cps=st.floats(0.1, 20.0), seconds=st.integers(2, 40))
@settings(max_examples=30, deadline=None)
def test_calls_per_second_hold_in_any_second(cps: float, seconds: int) -> None:
    pacer = predictive(lines=10_000, cps=cps)
    ready(pacer, 60)
    started: list[float] = []
    for tick in range(seconds * 2):
        now = tick / 2
        for _ in range(pacer.calls_to_place(now)):
            pacer.call_placed(f"c{len(started)}", now)
            started.append(now)
    stretch = max(1.0, 1.0 / cps)
    for first in started:
        assert sum(first <= at < first + stretch - 1e-9 for at in started) <= max(1.0, cps * stretch + 1e-9)


# -- the wall and the ledger ------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
@pytest.mark.parametrize(("answered", "abandoned"), [(2, 2), (10, 2), (66, 2), (99, 2), (100, 3), (1000, 30), (50, 9)])
def test_at_the_wall_only_free_operators_are_dialled_for(answered: int, abandoned: int) -> None:
    pacer = predictive()
    pacer.restore(answered, abandoned)
    ready(pacer, 4)
    place(pacer, 3, 0.0)
    assert pacer.calls_to_place(0.5) == 1
    place(pacer, 1, 0.5, "d")
    assert pacer.calls_to_place(1.0) == 0


@pytest.mark.req("T4")
def test_a_restart_does_not_forget_what_the_day_has_cost() -> None:
    def wanted(abandoned: int) -> int:
        pacer = predictive(0.02, cps=1000.0)
        pacer.restore(1000, abandoned)
        ready(pacer, 30)
        place(pacer, 30, 0.0)
        return pacer.calls_to_place(14.0)

    assert wanted(5) > wanted(26) > wanted(30)


@pytest.mark.req("T4")
def test_a_target_of_nothing_is_one_line_per_operator() -> None:
    pacer = predictive(0.0)
    ready(pacer, 4)
    assert pacer.calls_to_place(0.0) == 4
    place(pacer, 4, 0.0)
    assert pacer.calls_to_place(0.5) == 0


@pytest.mark.req("T4")
@pytest.mark.parametrize("seed", range(4))
def test_no_short_shift_ends_above_the_wall(seed: int) -> None:
    day = simulate(Scenario(3, hours=0.5 + 0.25 * seed), predictive(), seed)
    assert day.abandoned <= max(2, int(0.03 * day.answered))


@pytest.mark.req("T4")
def test_a_rush_of_answers_does_not_break_the_wall() -> None:
    day = simulate(Scenario(10, hours=1.0, answer=step(0.2, 0.6, 1800.0, 2400.0)), predictive(), 5)
    assert day.abandonment <= 0.03
    answered, abandoned = day.lost_between(1800.0, 2400.0)
    assert abandoned <= 0.12 * answered


@pytest.mark.req("T4")
def test_a_large_team_that_starts_all_at_once_does_not_break_the_wall() -> None:
    """People take longer to answer than the first guess has it: the silence must not pass for a poor list."""
    day = simulate(Scenario(50, hours=0.05, ring_mean=14.0), predictive(), 0)
    assert day.answered > 50
    assert day.abandoned <= 2


# -- what it is worth -------------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
def test_it_is_busier_than_one_line_per_operator() -> None:
    scenario = Scenario(10, hours=0.5)
    one = simulate(scenario, ProgressivePacer(target_abandonment=0.0, max_lines=400, calls_per_second=20.0), 1)
    ours = simulate(scenario, predictive(), 1)
    assert one.abandoned == 0
    assert ours.utilisation > one.utilisation + 0.1


@pytest.mark.req("T4")
def test_the_same_day_twice_is_the_same_to_the_call() -> None:
    scenario = Scenario(5, hours=0.5, answer=constant(0.3), lag=0.5)
    assert simulate(scenario, predictive(), 3) == simulate(scenario, predictive(), 3)


def test_on_the_simulated_floor_a_call_that_rings_out_at_a_tick_is_replaced_at_that_tick() -> None:
    one = ProgressivePacer(target_abandonment=0.0, max_lines=400, calls_per_second=20.0)
    assert simulate(Scenario(1, answer=constant(0.0), hours=1.0), one, 0).placed == 120


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["ready", "talking", "wrapup", "away", "placed", "answered", "ended", "abandoned", "joined"]
            ),
            st.integers(0, 5),
            st.floats(0.0, 40.0),
        ),
        max_size=60,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_order_of_events_breaks_it(events: list[tuple[str, int, float]]) -> None:
    """Events may be lost or doubled, for instance when the link to Asterisk was down."""
    pacer, now = predictive(0.02, lines=9, cps=4.0), 0.0
    for word, number, passed in events:
        now += passed
        match word:
            case "placed":
                pacer.call_placed(f"c{number}", now, number / 5)
            case "answered" | "ended":
                pacer.call_ended(f"c{number}", word == "answered", now)
            case "abandoned":
                pacer.call_abandoned(f"c{number}", now)
            case "joined":
                pacer.call_connected(f"c{number}", f"op{number}", now)
            case _:
                pacer.agent_state(f"op{number}", word, now)
        assert 0 <= pacer.calls_to_place(now) <= 4


# -- what it learns ---------------------------------------------------------------------------------------------------


def test_durations_come_to_what_was_seen() -> None:
    seen = Durations(guess=300.0, weight=4.0)
    for number in range(400):
        seen.add(20.0 + number % 20)
    assert seen.survival(10.0) > 0.95
    assert 0.3 < seen.survival(30.0) < 0.7
    assert seen.survival(80.0) < 0.05


def test_the_tempo_follows_a_slowdown_before_the_curve_does() -> None:
    seen = Durations(guess=60.0, weight=4.0)
    for number in range(200):
        seen.add(30.0 + number % 40)
        seen.follow([], 50.0)
    before = seen.ending(40.0, [10.0])[0]
    for passed in range(10, 180, 10):
        seen.follow([50.0 + passed, 40.0 + passed, 30.0 + passed], 10.0)
    assert seen.tempo < 0.7
    assert seen.ending(40.0, [10.0])[0] < before


def test_the_tempo_of_a_steady_large_team_is_one() -> None:
    """At any time the long conversations are the ones under way: what they have behind them is no slowdown."""
    seen, chance, tempos = Durations(guess=90.0, weight=4.0), random.Random(1), []
    ends = [(0, chance.gammavariate(2.0, 55.0)) for _ in range(40)]
    for now in range(5, 3600, 5):
        for place_, (began, end) in enumerate(ends):
            if end <= now:
                seen.add(end - began)
                ends[place_] = (now, now + chance.gammavariate(2.0, 55.0))
        seen.follow([now - began for began, _ in ends], 5.0)
        tempos.append(seen.tempo)
    assert sum(tempos[300:]) / len(tempos[300:]) == pytest.approx(1.0, abs=0.08)


def test_an_old_wrap_up_is_sooner_free_and_a_talk_later() -> None:
    talk, wrap_up = Durations(guess=120.0, weight=4.0), Durations(guess=45.0, weight=4.0)
    young, old = (freed_after_wrap_up(wrap_up, age, 2.0) for age in (1.0, 60.0))
    assert all(a < b for a, b in zip(young, old, strict=True))
    talking = freed_after_talk(talk, wrap_up, 30.0, 2.0)
    assert all(a < b for a, b in zip(talking, young, strict=True))
    assert all(a <= b for a, b in itertools.pairwise(talking))
    assert len(talking) == len(TIMES)


def learned_rings() -> RingTimes:
    rings = RingTimes()
    for number in range(300):
        rings.add(6.0 + number % 12, answered=True)
        rings.add(30.0, answered=False)
    rings.refresh()
    return rings


def test_a_call_that_rang_long_is_hardly_answered_any_more() -> None:
    rate, rings = AnswerRate(learned_rings()), learned_rings()
    chances = [rate.later_chance(place_of(0.25), age) * rings.row(age)[-1] for age in (0, 10, 15, 25)]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] < 0.02


@pytest.mark.parametrize("truth", [0.1, 0.25, 0.5])
def test_the_answer_rate_is_found_without_bias(truth: float) -> None:
    """A fixed share of evenly spaced calls is answered, each after 12 s; the others ring for 30 s."""
    rate = AnswerRate(learned_rings())
    place_, every = place_of(0.25), round(1.0 / truth)
    placed = [(number * 4, number % every == 0) for number in range(700)]
    for second in range(1, 2700):
        ringing = {}
        for at, answers in placed:
            if 0 <= second - at < (12 if answers else 30):
                ringing[place_, second - at] = 1
        answered = [(place_, 12) for at, answers in placed if answers and second - at == 12]
        rate.observe(ringing, answered, 1.0)
    assert rate.chance(place_)[0] == pytest.approx(truth, rel=0.3)


@given(st.floats(0.0, 1.0))
def test_the_grid_of_probabilities_is_close(probability: float) -> None:
    assert probability_at(place_of(probability)) == pytest.approx(min(0.99, max(0.01, probability)), abs=0.05)


# -- arithmetic -------------------------------------------------------------------------------------------------------


@given(chances=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=1), size=st.integers(1, 12))
def test_equal_chances_are_a_binomial(chances: list[float], size: int) -> None:
    chance = min(0.9, chances[0])
    exact = [1.0]
    for _ in range(size):
        exact = [a * (1 - chance) + b * chance for a, b in zip([*exact, 0.0], [0.0, *exact], strict=True)]
    found = distribution(size * chance, size * chance * (1 - chance), size + 1)
    found += [0.0] * (size + 1 - len(found))
    assert found == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("idle", [-1, 0, 2, 5])
@pytest.mark.parametrize(
    ("answers", "ringing", "freed", "busy"), [(3.6, 12, 3.5, 7), (2.5, 20, 2.0, 8), (0.6, 4, 0.9, 3)]
)
def test_the_chance_that_nobody_is_free_is_as_counted_out(
    answers: float, ringing: int, freed: float, busy: int, idle: int
) -> None:
    p, q = answers / ringing, freed / busy
    a = distribution(answers, answers * (1 - p), ringing + 1)
    f = distribution(freed, freed * (1 - q), busy + 1)
    exact = sum(x * y for i, x in enumerate(a) for j, y in enumerate(f) if i >= idle + j)
    found = nobody_free(Count(answers, answers * (1 - p), ringing), idle, Count(freed, freed * (1 - q), busy))
    assert found == pytest.approx(exact, abs=0.004)


# -- what is possible at all --------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
def test_the_bound_of_one_operator_and_one_line_is_what_arithmetic_says() -> None:
    stages = [1.0, 0.94, 0.83, 0.775, 0.755]  # the share of calls that come to each stage of ringing
    dialling, serving = 6.0 * sum(stages) / 0.25, 120.0 + 45.0
    expected = serving / (serving + dialling)
    assert bound(1, 0.0, lines=1) == pytest.approx(expected, abs=0.002)
    day = simulate(Scenario(1, hours=80.0, stages=STAGED), ProgressivePacer(
        target_abandonment=0.0, max_lines=400, calls_per_second=20.0
    ), seed=1)  # fmt: skip
    assert day.utilisation == pytest.approx(expected, abs=0.02)


@pytest.mark.req("T4")
def test_more_lines_and_more_lost_raise_the_bound() -> None:
    assert bound(1, 0.0, lines=1) + 0.01 < bound(1, 0.01, lines=3) < bound(1, 0.026, lines=3) - 0.01
