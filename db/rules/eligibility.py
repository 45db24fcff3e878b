"""May the office contact this person now? The one decision (C4) for calls, SMS, letters and visits.

Asked when targets are chosen, when an operator clicks, and again at the last moment before anything is sent. It fails
closed: a fact that is not known (None) is a reason against. Every reason is collected, so that the screen can say all
of them; none of them ever cancels another. Only a single call that an officer (not contracted staff) makes
deliberately may pass over the soft reasons: promise in force, payment inside the reporting lag, the caps, and, where
the office's policy says so, 支援措置. Debt facts play no part in health and survey contacts, so that their staff
learn nothing of debts from a refusal.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache

from db.rules.officetime import office_time
from db.rules.terms import Area, Channel, FlagKind, PhoneKind, PhoneStatus

NIGHT_BEGINS = time(21)
NIGHT_ENDS = time(8)
"""Nobody is disturbed from 21:00 to 8:00 (as 貸金業法21条 has it); no setting reaches beyond this."""

DEBT_AREAS = frozenset({Area.TAX, Area.PUBLIC, Area.PRIVATE})
DIALLED = frozenset({Channel.CALL_OUT, Channel.SMS})
DISTURBING = DIALLED | {Channel.VISIT}
OUTBOUND = DISTURBING | {Channel.LETTER}

_ACTS = {
    Channel.CALL_OUT: "架電",
    Channel.SMS: "SMSを送信",
    Channel.LETTER: "文書を送付",
    Channel.VISIT: "訪問",
}
_USABLE = frozenset({PhoneStatus.USABLE, PhoneStatus.UNVERIFIED})
_STATUS_CAUSES = {
    PhoneStatus.UNALLOCATED: "この番号は欠番の",
    PhoneStatus.WRONG_PERSON: "この番号は他人のものである",
    PhoneStatus.REFUSED: "この番号への連絡を断られている",
    PhoneStatus.WITHDRAWN: "この番号は基幹システムから除かれている",
}
# Flag: the channels it closes, whether it concerns debts only, and why in words.
_FLAG_CAUSES = {
    FlagKind.DECEASED: (OUTBOUND, False, "死亡の記録がある"),
    FlagKind.EXCLUDED: (OUTBOUND, False, "催告除外に指定されている"),
    FlagKind.PROTECTED: (OUTBOUND, False, "支援措置の対象者である"),
    FlagKind.LAWYER: (OUTBOUND, True, "弁護士が介入している"),
    FlagKind.BANKRUPT: (OUTBOUND, True, "破産の手続中である"),
    FlagKind.DEFERRED: (OUTBOUND, True, "徴収が猶予されている"),
    FlagKind.SUSPENDED: (OUTBOUND, True, "滞納処分の執行が停止されている"),
    FlagKind.WRITTEN_OFF: (OUTBOUND, True, "不納欠損となっている"),
    FlagKind.NO_CALLS: (frozenset({Channel.CALL_OUT}), False, "架電禁止に指定されている"),
    FlagKind.NO_SMS: (frozenset({Channel.SMS}), False, "SMSを拒否されている"),
}
# What must be known before a channel is used, and what the screen calls it.
_ALWAYS = {"flags": "注意情報"}
_DISTURBING_FACTS = {
    "closed_day": "開庁日",
    "contacts_today": "本日の連絡回数",
    "contacts_this_week": "今週の連絡回数",
    "household_today": "世帯への本日の連絡回数",
}
_DIALLED_FACTS = {
    "number_kind": "番号の種類",
    "number_status": "番号の状態",
    "number_today": "この番号への本日の連絡回数",
    "opted_out": "連絡拒否の有無",
    "emergency_stop": "緊急停止の状態",
}
_CALL_FACTS = {
    "in_call": "通話中かどうか",
    "household_in_call": "世帯が通話中かどうか",
    "actor_contracted": "操作者の区分",
}
_DEBT_FACTS = {
    "owed": "滞納額",
    "promise_in_force": "納付約束の有無",
    "paid_recently": "直近の入金の有無",
    "data_age_hours": "収納データの時点",
}


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """What the office has set for a channel. The numbers are assumptions to be set by each office.

    Contact from `opens` until before `closes`, on closed days only if `closed_days`; at most so many contacts per
    person a day and week, per household and number a day; payment data at most `data_age_limit_hours` old.
    `protected_by_officer` lets an officer call a person under 支援措置 deliberately.
    """

    opens: time = time(9)
    closes: time = time(20)
    closed_days: bool = False
    person_per_day: int = 2
    person_per_week: int = 5
    household_per_day: int = 3
    number_per_day: int = 2
    data_age_limit_hours: int = 96
    callable_kinds: frozenset[PhoneKind] = frozenset(
        {PhoneKind.MOBILE, PhoneKind.LANDLINE, PhoneKind.IP, PhoneKind.TOLL_FREE}
    )
    protected_by_officer: bool = False

    def __post_init__(self) -> None:
        """Refuse hours that never open."""
        if self.opens >= self.closes:
            raise ValueError(f"contact hours from {self.opens} to {self.closes} never open")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """Everything the decision rests on; None means not known, which is a no where the channel needs the fact.

    `at` is aware, in any zone. `flags` are those valid at that moment. `owed` in yen. `promise_in_force`: one that is
    not broken and not kept. `paid_recently`: a payment was reported, or said to be made, within the reporting lag.
    Counts are contacts already made, this one not included. `in_call`: somebody talks with the person, or
    on the number, already; `household_in_call`: with somebody who lives with them.
    `deliberate`: one call that the acting person chose knowingly, after seeing the soft reasons.
    """

    channel: Channel
    area: Area
    at: datetime
    policy: ContactPolicy
    flags: frozenset[FlagKind] | None = None
    owed: int | None = None
    promise_in_force: bool | None = None
    paid_recently: bool | None = None
    data_age_hours: int | None = None
    closed_day: bool | None = None
    contacts_today: int | None = None
    contacts_this_week: int | None = None
    household_today: int | None = None
    number_today: int | None = None
    number_kind: PhoneKind | None = None
    number_status: PhoneStatus | None = None
    opted_out: bool | None = None
    in_call: bool | None = None
    household_in_call: bool | None = None
    emergency_stop: bool | None = None
    actor_contracted: bool | None = None
    deliberate: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a stable `code` for counts and logs, a Japanese sentence for the screen, and whether it is soft."""

    code: str
    text: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `reasons` that stand against it, and soft ones that were `waived` by a deliberate call."""

    reasons: tuple[Reason, ...] = ()
    waived: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tell whether nothing stands against it."""
        return not self.reasons


def may_contact(facts: ContactFacts) -> Decision:
    """Decide from `facts` alone; allowed only when every needed fact is known and no reason stands."""
    if facts.channel not in OUTBOUND:
        return Decision((Reason("not_outbound", f"{facts.channel.label}は当方からの連絡ではありません。"),))
    reasons = [reason for check in _CHECKS for reason in check(facts)]
    waives = facts.deliberate and facts.channel is Channel.CALL_OUT and facts.actor_contracted is False
    return Decision(
        tuple(reason for reason in reasons if not (waives and reason.soft)),
        tuple(reason for reason in reasons if waives and reason.soft),
    )


@cache
def needed_facts(channel: Channel, area: Area) -> Mapping[str, str]:
    """Return the names of the facts that `channel` needs in `area`, each with its Japanese name."""
    needed = dict(_ALWAYS)
    if channel in DISTURBING:
        needed |= _DISTURBING_FACTS
    if channel in DIALLED:
        needed |= _DIALLED_FACTS
    if channel is Channel.CALL_OUT:
        needed |= _CALL_FACTS
    if area in DEBT_AREAS:
        needed |= _DEBT_FACTS
    return needed


def _because(facts: ContactFacts, code: str, cause: str, *, soft: bool = False) -> Reason:
    return Reason(code, f"{cause}ため{_ACTS[facts.channel]}できません。", soft)


def _unknown(facts: ContactFacts) -> Iterator[Reason]:
    for name, label in needed_facts(facts.channel, facts.area).items():
        if getattr(facts, name) is None:
            yield _because(facts, f"unknown_{name}", f"{label}を確認できない")


def _stopped(facts: ContactFacts) -> Iterator[Reason]:
    if facts.channel in DIALLED and facts.emergency_stop:
        yield _because(facts, "emergency_stop", "緊急停止中の")


def _hours(facts: ContactFacts) -> Iterator[Reason]:
    now = office_time(facts.at).time()
    policy = facts.policy
    if facts.channel not in DISTURBING:
        return
    if not NIGHT_ENDS <= now < NIGHT_BEGINS:
        yield _because(facts, "night", f"{_clock(NIGHT_BEGINS)}から{_clock(NIGHT_ENDS)}までの間である")
    if now < policy.opens:
        yield _because(facts, "before_hours", f"{_clock(policy.opens)}より前である")
    if now >= policy.closes:
        yield _because(facts, "after_hours", f"{_clock(policy.closes)}を過ぎている")
    if facts.closed_day and not policy.closed_days:
        yield _because(facts, "closed_day", "閉庁日である")


def _flags(facts: ContactFacts) -> Iterator[Reason]:
    if not facts.flags:
        return
    for flag, (channels, debt_only, cause) in _FLAG_CAUSES.items():
        concerned = facts.channel in channels and (facts.area in DEBT_AREAS or not debt_only)
        if concerned and flag in facts.flags:
            soft = flag is FlagKind.PROTECTED and facts.policy.protected_by_officer
            yield _because(facts, f"flag_{flag.value}", cause, soft=soft)


def _debt(facts: ContactFacts) -> Iterator[Reason]:
    if facts.area not in DEBT_AREAS:
        return
    if facts.owed is not None and facts.owed <= 0:
        yield _because(facts, "paid", "滞納がない")
    if facts.promise_in_force:
        yield _because(facts, "promised", "納付約束の履行期間中である", soft=True)
    if facts.paid_recently:
        yield _because(facts, "paid_recently", "入金の反映待ちの可能性がある", soft=True)
    if facts.data_age_hours is not None and facts.data_age_hours > facts.policy.data_age_limit_hours:
        yield _because(
            facts, "stale_data", f"収納データが{facts.policy.data_age_limit_hours}時間を超えて更新されていない"
        )


def _number(facts: ContactFacts) -> Iterator[Reason]:
    if facts.channel not in DIALLED:
        return
    kind, status = facts.number_kind, facts.number_status
    if facts.opted_out:
        yield _because(facts, "opted_out", "連絡を拒否されている")
    if kind is not None and facts.channel is Channel.SMS and kind is not PhoneKind.MOBILE:
        yield _because(facts, "not_mobile", "携帯電話の番号ではない")
    if kind is not None and facts.channel is Channel.CALL_OUT and kind not in facts.policy.callable_kinds:
        yield _because(facts, "number_kind", f"この種類の番号（{kind.label}）は発信対象外である")
    if status is not None and status not in _USABLE:
        yield _because(facts, f"number_{status.value}", _STATUS_CAUSES[status])


def _caps(facts: ContactFacts) -> Iterator[Reason]:
    if facts.channel not in DISTURBING:
        return
    policy = facts.policy
    caps = [
        ("person_day_cap", "本日の連絡", facts.contacts_today, policy.person_per_day),
        ("person_week_cap", "今週の連絡", facts.contacts_this_week, policy.person_per_week),
        ("household_day_cap", "世帯への本日の連絡", facts.household_today, policy.household_per_day),
    ]
    if facts.channel in DIALLED:
        caps.append(("number_day_cap", "この番号への本日の連絡", facts.number_today, policy.number_per_day))
    for code, words, count, cap in caps:
        if count is not None and count >= cap:
            yield _because(facts, code, f"{words}が上限（{cap}回）に達している", soft=True)


def _busy(facts: ContactFacts) -> Iterator[Reason]:
    if facts.channel is Channel.CALL_OUT and facts.in_call:
        yield _because(facts, "in_call", "すでに通話中の")
    if facts.channel is Channel.CALL_OUT and facts.household_in_call:
        yield _because(facts, "household_in_call", "同じ世帯の方と通話中の")


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"


_CHECKS: tuple[Callable[[ContactFacts], Iterator[Reason]], ...] = (
    _stopped,
    _unknown,
    _hours,
    _flags,
    _debt,
    _number,
    _caps,
    _busy,
)
