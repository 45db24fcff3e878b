"""Conditions of an extraction: as JSON and back, as a sentence, and what is told of those that make no sense."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules import conditions as c
from db.rules.condition_checks import MOST, problems
from db.rules.condition_words import Words, sentence
from db.rules.conditions import (
    Condition,
    ConditionFormError,
    Group,
    Joining,
    PromiseStanding,
    from_json,
    to_json,
    walk,
)
from db.rules.promises import PromiseLine, deadline, last_due_over
from db.rules.terms import Area, Channel, FlagKind, PersonKind, PhoneKind
from tests.unit.db.rules import trees

TODAY = date(2026, 11, 24)
NAMES = {
    "resident_ordinary": "市県民税（普通徴収）", "property": "固定資産税", "light_vehicle": "軽自動車税", "health_tax": "国民健康保険税",
    "corporate": "法人市民税", "care": "介護保険料", "water": "水道料金",
}  # fmt: skip
WORDS = Words(
    items=NAMES,
    item_areas={code: {"care": Area.PUBLIC, "water": Area.PRIVATE}.get(code, Area.TAX) for code in NAMES},
    districts=trees.DISTRICTS,
    languages=("ja", "vi", "zh", "en"),
    dispositions={code: f"結果{code}" for code in trees.DISPOSITIONS},
    letter_kinds=trees.LETTERS,
    staff={1: "北原 誠", 2: "東 美咲"},
    groups={1: "納税一係", 2: "納税二係"},
)


def all_of(*parts: Condition) -> Group:
    return Group(Joining.ALL, parts)


def said(tree: Condition) -> list[str]:
    return [problem.message for problem in problems(tree, WORDS, TODAY)]


@pytest.mark.req("T8")
@given(trees.TREES)
def test_a_tree_comes_back_from_json_as_it_was(tree: Condition) -> None:
    assert from_json(json.loads(json.dumps(to_json(tree), ensure_ascii=False))) == tree


@pytest.mark.req("T8")
@given(trees.LEAVES)
def test_a_leaf_that_is_whole_makes_sense(leaf: c.Leaf) -> None:
    assert said(leaf) == []
    assert "None" not in sentence(leaf, WORDS)
    assert "未指定" not in sentence(leaf, WORDS)


@pytest.mark.req("T8")
@given(trees.LEAVES, trees.LEAVES)
def test_different_conditions_read_differently(first: c.Leaf, second: c.Leaf) -> None:
    assert (first == second) == (sentence(first, WORDS) == sentence(second, WORDS))


@pytest.mark.req("T8")
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
        lambda part: st.one_of(
            st.lists(part, max_size=3),
            st.dictionaries(st.sampled_from(("kind", "parts", "low", "items", "states", "label")), part, max_size=3),
        ),
        max_leaves=8,
    ),
    st.sampled_from([*c.LEAVES, *Joining, ""]),
)
def test_whatever_is_sent_is_a_tree_or_refused(data: object, kind: str) -> None:
    sent = {**data, "kind": kind} if isinstance(data, dict) and kind else data
    try:
        tree = from_json(sent)
    except ConditionFormError:
        return
    assert from_json(to_json(tree)) == tree


@pytest.mark.req("T8")
@pytest.mark.parametrize(
    "sent",
    [
        {"kind": []},
        {"kind": "amount", "low": True},
        {"kind": "amount", "low": "1"},
        {"kind": "amount", "label": 1},
        {"kind": "promise", "states": ["gone"]},
        {"kind": "all", "parts": [], "low": 1},
        {"kind": "reachable", "weekend": 1},
        {"kind": "levy", "numbers": ["1"]},
    ],
)
def test_what_a_field_cannot_hold_is_refused(sent: object) -> None:
    with pytest.raises(ConditionFormError):
        from_json(sent)


@pytest.mark.req("T8")
def test_too_deep_a_tree_is_refused_before_it_is_walked() -> None:
    sent: dict[str, object] = {"kind": "amount", "low": 1}
    for _ in range(500):
        sent = {"kind": "all", "parts": [sent]}
    with pytest.raises(ConditionFormError, match="入れ子"):
        from_json(sent)


@pytest.mark.req("T8")
def test_the_sentence_an_officer_reads() -> None:
    tree = all_of(
        c.InArea((Area.TAX,)),
        c.Amount(100_000, None),
        c.Levy(("property", "resident_ordinary"), 2022, 2024, (1, 2)),
        Group(Joining.ANY, (c.Phone((PhoneKind.MOBILE,)), c.LastContact(30, None, (Channel.CALL_OUT,)))),
        Group(Joining.NONE, (c.Flagged((FlagKind.LAWYER, FlagKind.BANKRUPT)), c.PromiseIs((PromiseStanding.PENDING,)))),
    )
    assert sentence(tree, WORDS) == (
        "次の条件に当てはまる案件：業務区分が税、かつ、滞納額（本税）が100,000円以上、かつ、"
        "固定資産税または市県民税（普通徴収）の2022年度以降2024年度以前の第1期または第2期の滞納がある、かつ、"
        "｛架電できる携帯の番号がある、または、最終接触が30日以上前・手段が架電｝、かつ、"
        "｛注意事項に弁護士介入または破産がある／納付約束が履行待ち｝のいずれにも当てはまらない。"
    )
    assert sentence(c.EVERYTHING, WORDS) == "すべての案件。"


@pytest.mark.req("T8")
@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (c.Amount(), "上限か下限を入力してください"),
        (c.Amount(5_000, 1_000), "上限（1,000円）が下限（5,000円）より小さい"),
        (c.Amount(-1), "0から1,000,000,000,000円の間"),
        (c.Age(0, 200), "0から130歳の間"),
        (c.Reachable(9, 9), "開始と終了が同じ時刻"),
        (c.Reachable(), "上限か下限"),
        (c.Levy(), "いずれかを指定してください"),
        (c.Levy(("beer",)), "登録されていない税目が含まれています（beer）"),
        (c.Levy((), 2024, 2022), "終わりの年度が始めの年度より前"),
        (c.Levy((), 2031), "2027年度まで"),
        (c.Levy(numbers=(99,)), "期別は0から60まで"),
        (c.District(), "地区を1つ以上選んでください"),
        (c.District(("月面",)), "登録されていない地区"),
        (c.Assigned((99,)), "登録されていない担当者"),
        (c.LastContact(dispositions=("?",)), "登録されていない結果"),
        (all_of(Group(Joining.ANY)), "グループに条件がありません"),
        (all_of(c.Amount(100_000), c.Amount(None, 50_000)), "同時に成り立ちません"),
        (all_of(c.PersonIs((PersonKind.COMPANY,)), c.Age(20)), "法人に年齢はありません"),
        (all_of(c.Age(20), c.PersonIs((PersonKind.COMPANY,))), "法人に年齢はありません"),
        (all_of(c.InArea((Area.TAX,)), c.Levy(("water",))), "この税目の業務区分は私債権です"),
        (all_of(c.Amount(None, 0), c.DebtAge(12)), "0円の案件に滞納はありません"),
        (all_of(*[c.Amount(1)] * (MOST + 1)), f"条件は{MOST}個まで"),
        (all_of(all_of(all_of(all_of(all_of(all_of(c.Amount(1))))))), "入れ子は4段まで"),
    ],
)
def test_a_condition_that_makes_no_sense_says_which_and_why(tree: Condition, reason: str) -> None:
    assert any(reason in message for message in said(tree)), said(tree)


@pytest.mark.req("T8")
def test_what_is_wrong_is_told_where_it_is() -> None:
    tree = all_of(c.Amount(1), Group(Joining.ANY, (c.Age(70), c.District(()))))
    (problem,) = problems(tree, WORDS, TODAY)
    assert (problem.path, problem.field) == ((1, 1), "districts")
    assert dict(walk(tree))[problem.path] == c.District(())


@pytest.mark.req("T8")
def test_what_differs_between_alternatives_is_no_contradiction() -> None:
    assert said(Group(Joining.ANY, (c.Amount(100_000), c.Amount(None, 50_000)))) == []
    assert said(all_of(c.PersonIs(tuple(PersonKind)), c.Age(20))) == []
    assert said(all_of(c.Amount(1, 10), c.Amount(10, 20))) == []


@pytest.mark.req("T12")
@given(
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.integers(0, 10),
    st.sets(st.integers(0, 6), max_size=4),
    st.integers(-40, 40),
)
def test_a_line_is_over_exactly_when_it_was_due_by_the_last_due_day_over(
    today: date, grace: int, closed: set[int], away: int
) -> None:
    def is_closed(day: date) -> bool:
        return day.weekday() in closed

    due = today + timedelta(days=away)
    over = deadline(PromiseLine(due, 1), grace, is_closed) < today
    assert over == (due <= last_due_over(today, grace, is_closed))
