"""Campaigns (T4): when one is open, what becomes of a target after a dial or a refusal, and which settings make sense.

Pure. When somebody is tried again is `db.rules.retry`'s to say; whether somebody may be contacted, `db.rules.eligibility`'s.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from db.rules.contact_window import window_problems
from db.rules.duedates import IsClosed
from db.rules.eligibility import ContactPolicy
from db.rules.officetime import JST, office_time
from db.rules.reach import BANDS, SUNDAY, Slot
from db.rules.retry import RETRIES, RetryPolicy, next_attempt_at
from db.rules.telephony import AttemptResult, DialMode
from db.rules.terms import FlagKind, PhoneStatus, Retry, Term

NO_PREDICTIVE: Final = timedelta(hours=72)
"""For so long nobody is dialled predictively who answered a call of ours and found nobody there."""
SHORTEST_RING: Final = 15
LONGEST_RING: Final = 90
HIGHEST_CAP: Final = 0.03
MOST: Final[Mapping[str, int]] = {"tries": 20, "lines": 500}
LOST_TO_A_FAULT: Final = 2
"""So many people a fault is thought to cost."""
NAME_LENGTH: Final = 60
SCRIPT_LENGTH: Final = 4000
BUSY_WAIT: Final = timedelta(minutes=10)
"""When somebody is looked at again who is on the telephone, or whose household is."""
_SEARCH_DAYS: Final = 35
"""A weekday may be closed three weeks in a row: Golden Week, or the end of a year with a holiday after it."""
_PROMPT: Final = re.compile(r"[a-z0-9-]{0,80}")
"""What saikoku-abandoned and saikoku-machine in dialplans/saikoku.conf let through."""
_NUMBER: Final = re.compile(r"\+?[0-9]{0,15}")
_CAMPAIGN_MODES: Final = (DialMode.MANUAL, DialMode.PREVIEW, DialMode.PROGRESSIVE, DialMode.PREDICTIVE)


class CampaignState(Term):
    """Whether a campaign dials. STOPPED is for good."""

    DRAFT = "draft", "準備中"
    RUNNING = "running", "実施中"
    PAUSED = "paused", "一時停止"
    STOPPED = "stopped", "終了"


class TargetState(Term):
    """How far a campaign has come with a person."""

    OPEN = "open", "未完了"
    CLAIMED = "claimed", "対応中"
    DONE = "done", "完了"
    GIVEN_UP = "given_up", "対象外"


class TargetOrder(Term):
    """Who comes first."""

    BEST_TIME = "best_time", "つながりやすい時間帯の方から"
    AMOUNT = "amount", "滞納額の多い方から"
    PROMISE_DUE = "promise_due", "約束期日の早い方から"
    OLDEST = "oldest", "納期限の古い方から"


class MachineRule(Term):
    """What a predictive campaign does with answering machines. To tell them takes time, which whoever answers waits in silence."""

    IGNORE = "ignore", "判定しない（オペレーターにつなぐ）"
    HANG_UP = "hang_up", "判定し、留守番電話なら切断する"
    MESSAGE = "message", "判定し、留守番電話なら案内を流して切断する"


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """What a supervisor sets. `days`: weekdays, 0 is Monday. Hours are office time. Shares from 0 to 1."""

    name: str
    mode: DialMode
    group_id: int | None = None
    pbx: str = "main"
    days: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(20)
    order: TargetOrder = TargetOrder.BEST_TIME
    tries: int = 5
    lines: int = 5
    calls_per_second: float = 1.0
    target_abandonment: float = 0.01
    cap: float = HIGHEST_CAP
    ring_seconds: int = 30
    caller_id: str = ""
    script: str = ""
    abandoned_prompt: str = ""
    machines: MachineRule = MachineRule.IGNORE
    voicemail_prompt: str = ""
    soon_minutes: int = 5
    later_minutes: int = 60
    retries: Mapping[AttemptResult, Retry] = field(default_factory=lambda: dict(RETRIES))

    @property
    def retry_policy(self) -> RetryPolicy:
        """The times of `db.rules.retry`, those of the day cut to the campaign's hours."""
        usual = RetryPolicy()
        cut = ((max(first, self.opens), min(end, self.closes)) for first, end in usual.bands)
        bands = tuple((first, end) for first, end in cut if first < end) or ((self.opens, self.closes),)
        soon, later = timedelta(minutes=self.soon_minutes), timedelta(minutes=self.later_minutes)
        return replace(usual, soon=soon, later=later, bands=bands)


@dataclass(frozen=True, slots=True)
class Days:
    """On which days the campaign dials: its weekdays, without the office's closed days unless the area's rules allow them."""

    settings: CampaignSettings
    is_closed: IsClosed
    closed_days: bool = False

    def is_open(self, at: datetime) -> bool:
        """Whether the campaign dials at an aware moment."""
        local = office_time(at)
        return not self.is_off(local.date()) and self.settings.opens <= local.time() < self.settings.closes

    def opening(self, at: datetime, *, later_day: bool = False) -> datetime:
        """The first moment (UTC) from `at` on when the campaign is open; with `later_day`, on another day."""
        local = office_time(at)
        if not later_day and self.is_open(at):
            return at
        for ahead in range(1 if later_day else 0, _SEARCH_DAYS + 1):
            day = (local + timedelta(days=ahead)).date()
            first = datetime.combine(day, self.settings.opens, JST)
            if first > local and not self.is_off(day):
                return first.astimezone(UTC)
        return at + timedelta(days=_SEARCH_DAYS)

    def slot_begins(self, slot: Slot, at: datetime) -> datetime:
        """When (UTC) the next hours of `slot` begin for the campaign after `at`."""
        local = office_time(at)
        first, end = BANDS[slot.band]
        for ahead in range(_SEARCH_DAYS + 1):
            day = (local + timedelta(days=ahead)).date()
            weekday = SUNDAY if day.weekday() < 5 and self.is_closed(day) else day.weekday()
            begins = max(datetime.combine(day, time(first), JST), datetime.combine(day, self.settings.opens, JST))
            fits = weekday == slot.weekday and begins.hour < end and self.is_open(begins)
            if fits and begins > local:
                return begins.astimezone(UTC)
        return self.opening(at, later_day=True)

    def is_off(self, day: date) -> bool:
        """Whether the campaign does not dial on a day at all."""
        return day.weekday() not in self.settings.days or (not self.closed_days and self.is_closed(day))


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a target: its state, when it is looked at again (UTC), and why."""

    state: TargetState
    due_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A dial that is over. `tries`: of this person in the campaign, this one included if it counts.

    `earlier`: the misses before it since the person was last reached, as `next_attempt_at` wants them.
    """

    retry: Retry
    ended_at: datetime
    tries: int
    earlier: Sequence[datetime] = ()


def after_try(tried: Tried, days: Days) -> Next:
    """What becomes of a target after a dial: tried again, done, or given up after as many dials as are allowed."""
    if tried.retry is Retry.NONE:
        return Next(TargetState.DONE)
    if tried.tries >= days.settings.tries:
        return Next(TargetState.GIVEN_UP, reason="tries")
    if tried.retry is Retry.NUMBER_RESEARCH:  # this number is no use; the next look finds another, or gives up
        return Next(TargetState.OPEN, tried.ended_at)
    at = next_attempt_at(tried.retry, tried.ended_at, tried.earlier, days.settings.retry_policy, days.is_off)
    return Next(TargetState.OPEN, at) if at else Next(TargetState.GIVEN_UP, reason="no_time")


def after_refusal(codes: Collection[str], now: datetime, days: Days) -> Next:
    """What becomes of a target that may not be contacted now, by the codes of `db.rules.eligibility` (at least one).

    Done once nothing is to be said any more, given up where no waiting helps, otherwise put off until every reason may
    have passed.
    """
    for code in codes:
        if code in _DONE:
            return Next(TargetState.DONE, reason=code)
    for code in codes:
        if (code.startswith(("flag_", "number_")) and code != "number_day_cap") or code in _GIVEN_UP:
            return Next(TargetState.GIVEN_UP, reason=code)
    return max((Next(TargetState.OPEN, _passes(code, now, days), code) for code in codes), key=_due)


def must_reserve(answered: int, abandoned: int, cap: float, answered_at_last_loss: int) -> bool:
    """Whether a predictive campaign may only dial for operators whom it has reserved, because a day's losses are beyond the cap.

    The pacer never gets there by itself: it is what faults have cost (a bridge that died while people answered). It lasts until
    another such loss would be within the cap, so that the next fault does not lead beyond it again.
    `answered_at_last_loss`: how many had answered when the last of them was lost.
    """
    allowed = _losses_allowed(answered, cap)
    was_beyond = abandoned > _losses_allowed(answered_at_last_loss, cap)
    return abandoned > allowed or (was_beyond and abandoned + LOST_TO_A_FAULT > allowed)


def _losses_allowed(answered: int, cap: float) -> float:
    return max(2.0, cap * answered)


def reason_words(code: str) -> str:
    """Why somebody is passed over, in a few words for a list; codes of `db.rules.eligibility` and of this module."""
    if code.startswith("flag_"):
        return FlagKind(code.removeprefix("flag_")).label
    if code.startswith("number_") and code.removeprefix("number_") in set(PhoneStatus):
        return f"電話番号が{PhoneStatus(code.removeprefix('number_')).label}"
    if code.startswith("unknown_"):
        return "必要な情報が確認できない"
    return _WORDS.get(code, code)


LABELS: Final[Mapping[str, str]] = {
    "name": "名前",
    "mode": "発信方式",
    "group_id": "参加できるグループ",
    "pbx": "PBX",
    "days": "曜日",
    "opens": "開始時刻",
    "closes": "終了時刻",
    "order": "架電の順序",
    "tries": "1人への架電回数",
    "lines": "同時に使う回線",
    "calls_per_second": "1秒あたりの発信",
    "target_abandonment": "放棄呼率の目標",
    "cap": "放棄呼率の上限",
    "ring_seconds": "呼出時間",
    "caller_id": "発信者番号",
    "script": "台本",
    "abandoned_prompt": "放棄呼の案内",
    "machines": "留守番電話",
    "voicemail_prompt": "留守番電話への案内",
    "soon_minutes": "話中のあと",
    "later_minutes": "最初の不在のあと",
    "retries": "結果ごとの再架電",
}
"""What each setting is called on screens and in the log."""


def problems(settings: CampaignSettings, policy: ContactPolicy) -> dict[str, str]:
    """What is wrong with settings, by field, for the person who enters them. `policy`: the area's rules of contact."""
    return dict(_problems(settings, policy))


def retry_to_json(settings: CampaignSettings) -> dict[str, Any]:
    """The rules of retry as they are kept."""
    results = {result.value: retry.value for result, retry in settings.retries.items()}
    return {"soon_minutes": settings.soon_minutes, "later_minutes": settings.later_minutes, "results": results}


def retry_from_json(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of CampaignSettings from what `retry_to_json` made; results that came later have their usual rule."""
    known = {AttemptResult(code): Retry(retry) for code, retry in kept["results"].items()}
    return {
        "soon_minutes": kept["soon_minutes"],
        "later_minutes": kept["later_minutes"],
        "retries": {**RETRIES, **known},
    }


# --

_DONE: Final = frozenset({"paid", "promised", "reached"})
_GIVEN_UP: Final = frozenset({"opted_out", "not_outbound", "no_number"})
_SOON: Final = frozenset({"in_call", "household_in_call", "busy"})
_LATER_DAY: Final = frozenset(
    {"person_day_cap", "person_week_cap", "household_day_cap", "number_day_cap", "paid_recently", "after_hours"}
)
_WORDS: Final[Mapping[str, str]] = {
    "paid": "滞納がない",
    "promised": "納付約束の履行期間中",
    "reached": "他の通話で本人と話した",
    "paid_recently": "入金の反映待ち",
    "stale_data": "収納データが古い",
    "opted_out": "連絡を拒否",
    "no_number": "電話番号がない",
    "number_kind": "発信対象外の番号",
    "person_day_cap": "1日の連絡回数の上限",
    "person_week_cap": "1週間の連絡回数の上限",
    "household_day_cap": "世帯への1日の連絡回数の上限",
    "number_day_cap": "番号への1日の連絡回数の上限",
    "in_call": "通話中",
    "household_in_call": "同じ世帯の方と通話中",
    "busy": "他で対応中",
    "before_hours": "連絡できる時間より前",
    "after_hours": "連絡できる時間を過ぎた",
    "night": "夜間",
    "closed_day": "閉庁日",
    "emergency_stop": "緊急停止中",
    "recall": "再コールの予約がある",
    "abandoned": "放棄呼の後の72時間",
    "better_time": "よりつながりやすい時間帯を待つ",
    "tries": "架電回数の上限",
    "no_time": "再架電できる時間帯がない",
    "unknown": "発信結果が不明",
    "refused": "発信しなかった",
    "no_line": "回線に空きがない",
    "skipped": "オペレーターが見送り",
    "stopped": "キャンペーン終了",
}


def _passes(code: str, now: datetime, days: Days) -> datetime:
    """When a reason may have passed."""
    if code in _SOON:
        return now + BUSY_WAIT
    if code == "no_line":
        return now + timedelta(minutes=1)
    if code == "abandoned":
        return now + NO_PREDICTIVE
    if code == "before_hours":
        return max(days.opening(now), now + timedelta(minutes=5))
    if code in _LATER_DAY:
        return days.opening(now, later_day=True)
    return now + timedelta(hours=1)


def _due(one: Next) -> datetime:
    return one.due_at or datetime.min.replace(tzinfo=UTC)


def _problems(settings: CampaignSettings, policy: ContactPolicy) -> Iterator[tuple[str, str]]:
    yield from _text_problems(settings)
    yield from _time_problems(settings, policy)
    yield from _pace_problems(settings)


def _text_problems(settings: CampaignSettings) -> Iterator[tuple[str, str]]:
    if not settings.name.strip() or len(settings.name) > NAME_LENGTH or not settings.name.isprintable():
        yield "name", f"名前を{NAME_LENGTH}文字以内で入力してください。"
    if settings.mode not in _CAMPAIGN_MODES:
        yield "mode", "発信方式を選んでください。"
    if len(settings.script) > SCRIPT_LENGTH:
        yield "script", f"台本は{SCRIPT_LENGTH}文字までです（現在{len(settings.script)}文字）。"
    for name in ("abandoned_prompt", "voicemail_prompt"):
        if not _PROMPT.fullmatch(getattr(settings, name)):
            yield name, "音声ファイルの名前は、半角の英小文字・数字・ハイフンで入力してください。"
    if settings.machines is not MachineRule.IGNORE and settings.mode is not DialMode.PREDICTIVE:
        yield "machines", "留守番電話を判定できるのは、プレディクティブだけです。"
    if settings.machines is MachineRule.MESSAGE and not settings.voicemail_prompt:
        yield "voicemail_prompt", "流す案内の音声ファイルの名前を入力してください。"
    if not _NUMBER.fullmatch(settings.caller_id):
        yield "caller_id", "発信者番号は数字で入力してください（空欄は庁舎の番号）。"


def _time_problems(settings: CampaignSettings, policy: ContactPolicy) -> Iterator[tuple[str, str]]:
    yield from window_problems(settings.days, settings.opens, settings.closes, policy)
    for name in ("soon_minutes", "later_minutes"):
        if not 1 <= getattr(settings, name) <= 24 * 60:
            yield name, "1～1440分で入力してください。"


def _pace_problems(settings: CampaignSettings) -> Iterator[tuple[str, str]]:
    for name, most in MOST.items():
        if not 1 <= getattr(settings, name) <= most:
            yield name, f"1～{most}の数字を入力してください。"
    if not 0.1 <= settings.calls_per_second <= 20:
        yield "calls_per_second", "1秒あたりの発信数は0.1～20で入力してください。"
    if not SHORTEST_RING <= settings.ring_seconds <= LONGEST_RING:
        yield (
            "ring_seconds",
            f"呼出時間は{SHORTEST_RING}～{LONGEST_RING}秒で入力してください。短すぎると出る前に切れます。",
        )
    if not 0 < settings.cap <= HIGHEST_CAP:
        yield "cap", f"放棄呼率の上限は{HIGHEST_CAP:.0%}以下にしてください。"
    if not 0 < settings.target_abandonment <= settings.cap:
        yield "target_abandonment", "放棄呼率の目標は上限以下にしてください。"
