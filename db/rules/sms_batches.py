"""Messages to many (S2, S6): how far a batch has come, when it sends and how fast, and which settings make sense. Pure.

Whether a person may be written to is `db.rules.eligibility`'s to say, asked when a batch is prepared and again before each message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from db.rules.campaigns import NAME_LENGTH
from db.rules.campaigns import reason_words as campaign_words
from db.rules.contact_window import window_problems
from db.rules.eligibility import ContactPolicy
from db.rules.officetime import office_time
from db.rules.terms import PhoneOwner, Term

APPROVAL_ABOVE: Final = 100
"""Up to so many people whoever made a batch may let it go; above, another looks first. About what one reads through name by name."""
FASTEST: Final = 6_000
"""Messages a minute, at most: a hundred a second is more than carriers agree to."""
SLICE: Final = 10
"""Seconds in which a batch sends its part of a minute, so that it does not send all of it in the first second."""


class BatchState(Term):
    """How far a batch has come. STOPPED and DONE are for good."""

    DRAFT = "draft", "下書き"
    PREPARING = "preparing", "対象者の確認中"
    WAITING = "waiting", "承認待ち"
    RUNNING = "running", "送信中"
    PAUSED = "paused", "一時停止"
    STOPPED = "stopped", "中止"
    DONE = "done", "完了"


OVER: Final = frozenset({BatchState.STOPPED, BatchState.DONE})


class NumberRule(Term):
    """To which number of a person."""

    OWN = "own", "本人の携帯電話だけ"
    ANY = "any", "本人の携帯電話、なければ家族などの携帯電話"


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What is set for a batch. `days`: weekdays, 0 is Monday. Hours are office time. `starts_at` None: once it is approved."""

    name: str
    number_rule: NumberRule = NumberRule.OWN
    starts_at: datetime | None = None
    days: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(20)
    per_minute: int = 60

    def is_open(self, at: datetime) -> bool:
        """Whether it sends at an aware moment, as far as its own days and hours go."""
        local = office_time(at)
        return local.weekday() in self.days and self.opens <= local.time() < self.closes

    def room(self, last_minute: int, last_slice: int) -> int:
        """How many more may go out now, after so many in the last minute and in the last SLICE seconds."""
        part = -(-self.per_minute * SLICE // 60)
        return max(0, min(self.per_minute - last_minute, part - last_slice))


def wanted(rule: NumberRule, owner: PhoneOwner) -> bool:
    """Whether a mobile number of `owner`'s comes into question."""
    return rule is NumberRule.ANY or owner is PhoneOwner.SELF


def problems(settings: BatchSettings, policy: ContactPolicy, now: datetime) -> dict[str, str]:
    """What is wrong with settings, by field. `policy`: the area's rules of contact."""
    return dict(_problems(settings, policy, now))


def reason_words(code: str) -> str:
    """Why somebody is left out, in a few words: codes of `db.rules.eligibility` and of this module."""
    return _WORDS.get(code) or campaign_words(code)


def _problems(settings: BatchSettings, policy: ContactPolicy, now: datetime) -> Iterator[tuple[str, str]]:
    if not settings.name.strip() or len(settings.name) > NAME_LENGTH or not settings.name.isprintable():
        yield "name", f"名前を{NAME_LENGTH}文字以内で入力してください。"
    yield from window_problems(settings.days, settings.opens, settings.closes, policy)
    if not 1 <= settings.per_minute <= FASTEST:
        yield "per_minute", f"1～{FASTEST:,}の数字を入力してください。"
    if settings.starts_at is not None and settings.starts_at < now:
        yield "starts_at", "送信の開始が過去の日時です。"


_WORDS: Final = {
    "no_mobile": "携帯電話の番号がない",
    "not_own": "本人の携帯電話の番号がない",
    "not_mobile": "携帯電話の番号がない",
    "number_unallocated": "契約のない番号・欠番",
    "flag_no_sms": "SMSを拒否",
    "opted_out": "SMSを拒否",
    "same_person": "同じ方が名簿に複数ある（名寄せ）",
    "same_number": "同じ番号にすでに送る",
    "name_in_text": "本文に氏名と同じ言葉がある",
    "gone": "業務区分の案件がなくなった",
}
