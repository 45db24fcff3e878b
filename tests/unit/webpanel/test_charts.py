"""Where bars and lines stand: to scale, inside the picture, and never dividing by nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.terms import CaseState
from db.store.state_counts import Dimension
from db.store.workflow import Sum
from db.usecases.workflow import Line
from webpanel.charts.shapes import LABEL, VALUE, WIDTH, Value, bars, line, nice
from webpanel.workflow import figures

AMOUNTS = st.lists(st.lists(st.integers(-5, 10**12), max_size=6), max_size=8)


@pytest.mark.req("T11")
def test_the_longest_bar_fills_the_room_and_the_others_are_to_scale() -> None:
    chart = bars([("甲", [Value("a", 30, "30"), Value("b", 10, "10")], "40"), ("乙", [Value("a", 10, "10")], "10")])
    first, second = chart.bars
    assert [(part.x, part.width) for part in first.parts] == [(LABEL, 159.0), (LABEL + 159.0, 53.0)]
    assert first.end == WIDTH - VALUE
    assert second.end - LABEL == pytest.approx((first.end - LABEL) / 4)
    assert second.y > first.y


@given(AMOUNTS)
def test_bars_stay_in_the_picture(amounts: list[list[int]]) -> None:
    chart = bars([("", [Value("a", amount, "") for amount in row], "") for row in amounts])
    assert len(chart.bars) == len(amounts)
    assert all(LABEL <= bar.end <= WIDTH - VALUE + 1 for bar in chart.bars)
    assert all(bar.y >= 0 and bar.y + chart.thick <= chart.height for bar in chart.bars)


@given(st.lists(st.integers(0, 10**12), max_size=20))
def test_lines_stay_in_the_picture(values: list[int]) -> None:
    chart = line([(value, "") for value in values])
    assert all(0 <= dot.x <= chart.width and 0 <= dot.y <= chart.height for dot in chart.dots)
    assert chart.top >= max(values, default=0)
    assert len(chart.points.split()) == len(values)


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (3, 5), (11, 20), (99, 100), (101, 200), (4_999, 5_000)])
def test_scales_end_at_round_numbers(most: int, top: int) -> None:
    assert nice(most) == top


@pytest.mark.req("T11")
def test_who_paid_is_in_no_bar_and_amounts_are_said_as_officers_say_them() -> None:
    sums = {CaseState.PAID: Sum(9, 0), CaseState.BROKEN: Sum(2, 123_456_789)}
    (bar,) = figures.breakdown([Line("x", "固定資産税・都市計画税（とても長い名前）", sums)]).bars
    assert [part.series for part in bar.parts] == ["broken"]
    assert (bar.label, bar.value, bar.parts[0].note) == (
        "固定資産税・都市計画税",
        "1.2億円",
        "約束不履行 123,456,789円",
    )
    (people,) = figures.breakdown([Line("x", "軽", sums)], money=False).bars
    assert people.value == "2人"
    assert Dimension.ITEM in figures.CHARTED
