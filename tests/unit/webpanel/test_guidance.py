"""What the record says to do now, and what the operator is given to say."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from db.rules.promises import Footing, Promise, PromiseLine, PromiseOutcome, PromiseStatus
from db.rules.telephony import CallState, Direction
from db.rules.terms import Area
from db.store.calls import CallRow
from db.store.promises import PromiseRow
from db.store.recalls import RecallRow
from db.usecases.records import PromiseState
from webpanel.debtors.guidance import Situation, Tone, advise
from webpanel.debtors.screen import quick_days
from webpanel.debtors.scripts import scripts
from webpanel.debtors.words import age, era_short, fiscal, percent

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
QUIET = Situation(
    now=NOW, call=None, masked=False, callable_now=True, insist=False, phones=1, recalls=(), promises=(), on_duty=True
)
CALL = CallRow(
    id=uuid.UUID(int=1), direction=Direction.OUT, debtor_id=1, debtor_name="山田", area=Area.TAX, number="+81",
    user_id=1, seat="1001", state=CallState.TALKING, started_at=NOW, joined_at=NOW, ended_at=None,
    identity_confirmed_at=None, identity_failures=0, result_at=None, result=None,
)  # fmt: skip


def promised(outcome: PromiseOutcome, *, in_force: bool = True) -> PromiseState:
    """A promise that stands so."""
    promise = Promise(date(2026, 10, 1), (PromiseLine(date(2026, 10, 31), 1000),))
    footing = Footing.IN_FORCE if in_force else Footing.REPLACED
    row = PromiseRow(uuid.UUID(int=2), Area.TAX, NOW, "甲", None, None, None, "", promise, footing)
    return PromiseState(row, PromiseStatus(outcome, 1000, 0, None))


RECALL = RecallRow(uuid.UUID(int=3), Area.TAX, 1, "山田", NOW + timedelta(minutes=10), None, "")


@pytest.mark.req("T3", "T9")
@pytest.mark.parametrize(
    ("situation", "tone", "words"),
    [
        (QUIET, Tone.DO, "架電できます。"),
        (replace(QUIET, on_duty=False), Tone.DO, "業務を開始"),
        (replace(QUIET, recalls=(RECALL,)), Tone.DO, "予約時刻"),
        (replace(QUIET, recalls=(replace(RECALL, due_at=NOW + timedelta(hours=1)),)), Tone.DO, "架電できます。"),
        (replace(QUIET, promises=(promised(PromiseOutcome.BROKEN),)), Tone.DO, "約束が守られていません"),
        (replace(QUIET, promises=(promised(PromiseOutcome.BROKEN, in_force=False),)), Tone.DO, "架電できます。"),
        (replace(QUIET, callable_now=False), Tone.STOP, "架電できません"),
        (replace(QUIET, callable_now=False, phones=0), Tone.STOP, "電話番号の記録がありません"),
        (replace(QUIET, callable_now=False, insist=True), Tone.WAIT, "確認のうえ"),
        (
            replace(QUIET, callable_now=False, promises=(promised(PromiseOutcome.PENDING),)),
            Tone.WAIT,
            "履行を待って",
        ),
        (replace(QUIET, call=replace(CALL, joined_at=None)), Tone.WAIT, "呼び出しています"),
        (replace(QUIET, call=CALL), Tone.DO, "本人確認をしてください"),
        (replace(QUIET, call=replace(CALL, identity_confirmed_at=NOW)), Tone.DO, "本人確認済み"),
        (replace(QUIET, call=replace(CALL, state=CallState.ENDED)), Tone.DO, "結果を登録"),
        (replace(QUIET, call=replace(CALL, state=CallState.UNKNOWN)), Tone.DO, "結果を登録"),
    ],
)
def test_the_most_urgent_thing_comes_first(situation: Situation, tone: Tone, words: str) -> None:
    advice = advise(situation)
    assert (advice.tone, words in advice.text) == (tone, True), advice.text


@pytest.mark.req("C5")
@pytest.mark.parametrize("area", list(Area))
def test_no_debt_word_before_identity(area: Area) -> None:
    made = scripts(area, identified=False, office_name="みなと野市", person_name="山田 太郎", staff_name="佐藤")
    words = "".join(line for script in made for line in script.lines)
    assert not any(word in words for word in ("税", "滞納", "納付", "納め", "料", "支払", "債権", "健診"))
    assert {script.who for script in made} == {"本人", "家族・第三者", "留守番電話"}


@pytest.mark.req("C5", "T15")
def test_after_identity_each_area_speaks_of_its_own_matter() -> None:
    said = {
        area: "".join(scripts(area, identified=True, office_name="市", person_name="山", staff_name="佐")[0].lines)
        for area in Area
    }
    assert "市税" in said[Area.TAX]
    assert "特定健診" in said[Area.HEALTH]
    assert not any(word in said[Area.HEALTH] + said[Area.SURVEY] for word in ("税", "滞納", "納め", "納期限"))


@pytest.mark.req("T12")
@pytest.mark.parametrize(
    ("today", "labels"),
    [
        (date(2026, 11, 24), ["11月25日", "今月末", "12月15日", "来月末"]),
        (date(2026, 11, 15), ["11月15日", "11月25日", "今月末", "来月末"]),
        (date(2026, 12, 31), ["今月末", "1月15日", "1月25日", "来月末"]),
        (date(2028, 1, 31), ["今月末", "2月15日", "2月25日", "来月末"]),
    ],
)
def test_quick_days_are_never_past(today: date, labels: list[str]) -> None:
    days = quick_days(today)
    assert [label for label, _ in days] == labels
    assert all(day >= today for _, day in days)
    assert days == sorted(days, key=lambda pair: pair[1])


def test_words_of_the_record() -> None:
    assert [percent(rate) for rate in (870, 240, 1460, 875, 0, 1000)] == ["8.7%", "2.4%", "14.6%", "8.75%", "0%", "10%"]
    assert str(era_short(date(2019, 5, 1))) == '<time datetime="2019-05-01" title="2019-05-01">R1.5.1</time>'
    assert ">R8<" in str(fiscal(2026))
    assert "令和元年度" in str(fiscal(2019))
    assert [age(date(1980, 11, 24), date(2026, 11, day)) for day in (23, 24)] == [45, 46]
