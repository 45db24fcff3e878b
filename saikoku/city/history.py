"""What passed between the office and the people: calls both ways, letters, messages, visits, promises, recalls."""

from dataclasses import dataclass
from typing import Final

from db.rules.terms import AnsweredBy, Channel, PhoneKind, PhoneStatus
from saikoku.city import rates
from saikoku.city.behaviours import Reaction
from saikoku.city.claims import Ledger, pay_down
from saikoku.city.dialing import Dial, another_round, clock, first_round
from saikoku.city.draft import Draft
from saikoku.city.people import HEALTH, Line, Person, add_line, choose_number

_SELF: Final = AnsweredBy.SELF.value
_NOBODY: Final = AnsweredBy.NOBODY.value
_CALL_OUT, _CALL_IN, _SMS, _LETTER, _VISIT, _COUNTER = (channel.value for channel in Channel)
_MOBILE: Final = PhoneKind.MOBILE.value

DEMAND: Final = "催告書"
_LETTERS: Final = (DEMAND, DEMAND, DEMAND, "納付書", "最終催告書", "差押予告書")
_RETURNED: Final = ("宛先不明", "宛先不明", "転居先不明", "保管期間経過", "受取拒否")
_DAY_HOURS: Final = (0, 1, 1, 2, 4, 5, 5, 6, 7)

_TALKED: Final = (
    "収入減により納付が遅れている。月末まで待ってほしいとのこと。", "納付書紛失。再送を依頼される。", "すでに納付したとのこと。領収日を確認。",
    "給料日後に納付したいとのこと。", "分割納付を希望。収支を聴取。", "口座振替の残高不足だったとのこと。", "失業中。求職状況を聴取。",
    "病気療養中。医療費がかかっている。", "家族と相談して折り返すとのこと。", "コンビニで納付すると話す。", "納付忘れ。今週中に納付とのこと。", "",
)  # fmt: skip
_HEALTH_TALKED: Final = (
    "来月の集団健診を希望。", "かかりつけ医で受診予定とのこと。", "職場の健診を受診済み。結果の提供を依頼。",
    "受診券が見当たらないとのこと。再送する。", "今年度は受けないとのこと。", "",
)  # fmt: skip
_FAMILY_NOTES: Final = ("本人不在。折り返しを依頼。", "帰宅は19時頃とのこと。", "伝言を依頼。用件は伝えていない。", "")
_VISIT_NOTES: Final = (
    "呼鈴に応答なし。不在連絡票を投函。",
    "郵便受けに配達物が多い。",
    "車あり、応答なし。",
    "表札なし。居住を確認できず。",
)
_COUNTER_NOTES: Final = ("納付相談。収支申告書を提出。", "納付書の再発行。", "分納の相談。", "減免制度を案内。")
_RECALL_NOTES: Final = (
    "夕方に再度とのこと",
    "給料日後に連絡希望",
    "家族経由で在宅時間を確認済み",
    "昼休みに連絡希望",
    "",
)

_WINDOW: Final = 180
"""Days over which the last round of calls is spread; earlier rounds lie before it."""

_PHONE_CALL_SHARE: Final = 0.86
"""Share of people with a phone who were called, with 2.5 contacts a debtor."""

_USUAL: Final = 2.5
_STATUS: Final = {
    "unallocated": PhoneStatus.UNALLOCATED.value,
    "wrong_person": PhoneStatus.WRONG_PERSON.value,
}
_WORDS_TO_OFFICE: Final = {
    "talked_self": "納付状況の確認",
    "talked_family": "再架電",
    "talked_spouse": "再架電",
    "voicemail": "再架電",
}


@dataclass(slots=True)
class Event:
    """A contact before it is written: `at` is UTC text; `cause` the contact that brought this one about."""

    at: str
    channel: str
    disposition: str
    answered_by: str
    number: str | None = None
    note: str = ""
    user: int | None = None
    cause: "Event | None" = None
    day: int = 0
    id: str = ""


def add_history(draft: Draft, person: Person, ledgers: dict[str, Ledger], area: str) -> None:
    """Write all contacts of a person in an area, and what was agreed in them."""
    events: list[Event] = []
    _phones_and_calls(draft, person, events)
    factor = draft.world.plan.contacts / _USUAL
    if area != HEALTH:
        _letters(draft, person, ledgers.get(area), events, area, factor)
        _visits(draft, events, factor)
    _messages(draft, person, ledgers.get(area), events, factor)
    write(draft, person, area, events)
    ledger = ledgers.get(area)
    if ledger and ledger.outstanding:
        _promises(draft, person, ledger, events)
    _recalls(draft, person, area, events)


def write(draft: Draft, person: Person, area: str, events: list[Event]) -> None:
    """Write contacts in the order in which they happened."""
    events.sort(key=_when)
    table = draft.tables["contact"]
    for event in events:
        event.id = draft.history_id()
        cause = event.cause.id if event.cause else None
        next_step = _WORDS_TO_OFFICE.get(event.disposition, "") if area != HEALTH else ""
        if area == HEALTH and event.answered_by == _SELF:
            event.note = draft.pick(_HEALTH_TALKED)  # nothing about money stands where health staff read
        recorded = f"{event.at[:14]}{int(event.at[14:16]) + 3:02d}{event.at[16:]}"
        table.append(
            (
                event.id, person.id, area, event.channel, event.at, event.user or draft.pick(draft.world.staff),
                event.number, event.answered_by, event.disposition, event.note, next_step, None, cause, None, recorded,
            )
        )  # fmt: skip


def _when(event: Event) -> str:
    return event.at


def at(draft: Draft, day: int, time: str) -> str:
    """The stored form of a moment in UTC."""
    return f"{draft.days.iso(day)} {time}.000000"


# -- calls


def _phones_and_calls(draft: Draft, person: Person, events: list[Event]) -> None:
    """Give a person phones that behave as their history says, and that history."""
    if draft.random() >= rates.PHONE_KNOWN:
        return
    rounds = draft.world.plan.contacts / _USUAL * _PHONE_CALL_SHARE
    count = int(rounds) + (draft.random() < rounds % 1)
    lines = 2 if draft.random() < 0.12 else 1
    for number in range(lines):
        day = draft.days.today - 2 - draft.below(_WINDOW)
        reaction, dials = first_round(draft, day - _WINDOW * max(count - 1, 0))
        line = add_line(draft, person, *_number(draft, person, reaction, second=number > 0))
        if count:
            _write_round(draft, line, dials, events)
        for later in range(count - 2, -1, -1):
            if draft.tables["phone"][-1][4] != PhoneStatus.USABLE.value:
                break
            start = draft.days.today - 2 - draft.below(_WINDOW) - _WINDOW * later
            _write_round(draft, line, another_round(draft, start, reaction), events)
        if reaction is Reaction.SELF or (number == 0 and draft.random() < 0.5):
            break  # the second number is asked for and tried when the first does not help


def _number(draft: Draft, person: Person, reaction: Reaction, *, second: bool) -> tuple[str, str, Reaction, str]:
    number, kind, owner = choose_number(draft, person, reaction, second=second)
    return number, kind, reaction, owner


def _write_round(draft: Draft, line: Line, dials: list[Dial], events: list[Event]) -> None:
    for dial in dials:
        event = Event(
            at(draft, dial.day, dial.clock), _CALL_OUT, dial.disposition, dial.answered_by, line.number, day=dial.day
        )
        if dial.answered_by == _SELF:
            event.note = draft.pick(_TALKED)
        elif dial.answered_by != _NOBODY:
            event.note = draft.pick(_FAMILY_NOTES)
        events.append(event)
        if dial.disposition in _STATUS:
            draft.tables["phone"][-1][4] = _STATUS[dial.disposition]  # type: ignore[index]
    last_result = dials[-1].disposition if dials else ""
    if dials and last_result not in _STATUS and draft.random() < rates.MISSED_CALLBACK:
        _call_in(draft, events[-1], dials[-1].day, line.number, events)


def _call_in(draft: Draft, cause: Event, day: int, number: str | None, events: list[Event]) -> None:
    """A return call within two weeks of what caused it."""
    back = draft.days.of_kind(0, day + 1 + draft.below(10))
    if back < draft.days.today:
        events.append(
            Event(
                at(draft, back, clock(draft, _DAY_HOURS)), _CALL_IN, "talked_self", _SELF, number,
                draft.pick(_TALKED), cause=cause, day=back,
            )
        )  # fmt: skip


# -- letters, messages, visits


def _some(draft: Draft, mean: float) -> int:
    return int(mean) + (draft.random() < mean % 1)


def _letters(
    draft: Draft, person: Person, ledger: Ledger | None, events: list[Event], area: str, factor: float
) -> None:
    days = draft.days
    amount = ledger.outstanding if ledger else 0
    for _ in range(_some(draft, 0.75 * factor) if amount else 0):
        day = days.of_kind(0, days.today - 3 - draft.below(330))
        if day >= days.today:
            continue
        event = Event(at(draft, day, "06:00:00"), _LETTER, "letter_sent", _NOBODY, day=day)
        events.append(event)
        returned, reason = None, None
        if draft.random() < rates.LETTER_RETURNED and day + 14 < days.today:
            returned, reason = days.iso(days.of_kind(0, day + 4)), draft.pick(_RETURNED)
        elif draft.random() < rates.LETTER_CALLBACK:
            _call_in(draft, event, day, person.lines[0].number if person.lines else None, events)
        key = draft.history_id()
        number = f"{days.iso(day)[2:4]}-{key[-9:]}"
        kind = draft.pick(_LETTERS)
        draft.tables["dispatch"].append((key, person.id, area, kind, number, days.iso(day), amount, returned, reason))


def _messages(draft: Draft, person: Person, ledger: Ledger | None, events: list[Event], factor: float) -> None:
    mobiles = [line for line in person.lines if line.kind == _MOBILE and line.reaction is not Reaction.UNALLOCATED]
    if not mobiles:
        return
    days, number = draft.days, mobiles[0].number
    for _ in range(_some(draft, 0.30 * factor)):
        day = days.of_kind(0, days.today - 2 - draft.below(200))
        if day < days.today:
            event = Event(at(draft, day, "01:30:00"), _SMS, "sms_sent", _NOBODY, number, day=day)
            events.append(event)
            reaction = draft.random()
            if reaction < rates.SMS_REACTION / 2:
                _call_in(draft, event, day, number, events)
            elif reaction < rates.SMS_REACTION and ledger:  # the other half pays without a word
                _pay_after(draft, ledger, day)


def _pay_after(draft: Draft, ledger: Ledger, day: int) -> None:
    """Pay the oldest installment that was due when the message came, some days after it."""
    oldest = next((row for row in ledger.open if row[7]), None)
    paid = day + 1 + draft.below(9)
    if oldest and oldest[5] < draft.days.iso(day) and paid < draft.days.today:
        pay_down(draft, ledger, oldest[7], paid)


def _visits(draft: Draft, events: list[Event], factor: float) -> None:
    days, roll = draft.days, draft.random()
    day = days.of_kind(0, days.today - 5 - draft.below(300))
    if day >= days.today:
        return
    if roll < 0.06 * factor:
        met = draft.random()
        result = ("visit_met", _SELF) if met < 0.25 else ("visit_moved", _NOBODY) if met > 0.94 else None
        note = draft.pick(_TALKED if met < 0.25 else _VISIT_NOTES)
        disposition, who = result or ("visit_absent", _NOBODY)
        events.append(Event(at(draft, day, clock(draft, _DAY_HOURS)), _VISIT, disposition, who, None, note, day=day))
    elif roll > 1 - 0.05 * factor:
        time = clock(draft, _DAY_HOURS)
        note = draft.pick(_COUNTER_NOTES)
        events.append(Event(at(draft, day, time), _COUNTER, "counter_talk", _SELF, None, note, day=day))


# -- promises and recalls


def _promises(draft: Draft, person: Person, ledger: Ledger, events: list[Event]) -> None:
    """A quarter of those reached promise; the newest talk is the one that counts."""
    talks = [event for event in events if event.disposition == "talked_self" and event.channel == _CALL_OUT]
    if talks and draft.random() < rates.PROMISES_DRAWN:
        add_promise(draft, person.id, ledger, talks[-1], kept=draft.random() < rates.PROMISE_KEPT)


def add_promise(draft: Draft, debtor_id: int, ledger: Ledger, event: Event, *, kept: bool, parts: int = 0) -> None:
    """Write a promise made in a contact, in one or several month-end parts, and the payments that keep it."""
    days, total = draft.days, ledger.outstanding
    count = parts or _parts(draft, total)
    each = max(total // count // 1_000 * 1_000, 1_000) if count > 1 else total
    key = draft.history_id()
    user = draft.pick(draft.world.staff)
    approver = user if count > 1 else None
    note = f"分納{count}回" if count > 1 else "一括納付"
    draft.tables["promise"].append((key, debtor_id, ledger.area, event.at, user, approver, event.id, None, note))
    day, left = event.day + 4, total
    for number in range(1, count + 1):
        due = days.month_end(day)
        amount = left if number == count else each
        draft.tables["promise_line"].append((key, number, days.iso(due), amount))
        left -= amount
        day = due + 1
        if kept and due <= days.today:
            pay_down(draft, ledger, amount, max(due - draft.below(5), event.day + 1))


def _parts(draft: Draft, total: int) -> int:
    if total < 3_000:
        return 1
    most = min(total // 3_000, 12)
    wanted = 1 if total < 60_000 and draft.random() < 0.7 else draft.pick((2, 3, 3, 4, 5, 6, 10, 12))
    return min(most, wanted)


def _recalls(draft: Draft, person: Person, area: str, events: list[Event]) -> None:
    """Some who were called have a call booked; a few of these are due today, some are overdue or done."""
    if not person.lines or not events or draft.random() > 0.03:
        return
    days, last = draft.days, events[-1]
    due = days.open_day(days.today - 4 + int(draft.random() ** 1.3 * 16))
    closed = draft.random() < 0.2
    user = draft.pick(draft.world.staff)
    add_recall(
        draft, person, area, at(draft, due, f"{draft.pick((0, 1, 2, 4, 5, 6, 7, 8, 9)):02d}:{draft.pick((0, 30)):02d}:00"),
        last.at, user, None if draft.random() < 0.5 else user,
        at(draft, days.today - 1, "08:00:00") if closed else None,
    )  # fmt: skip


def add_recall(
    draft: Draft, person: Person, area: str, due: str, made: str, by: int, user: int | None, closed: str | None = None
) -> None:
    """Write a booked call."""
    draft.tables["recall"].append(
        (
            draft.history_id(), person.id, area, due, user, person.lines[0].id, by, made, draft.pick(_RECALL_NOTES),
            closed, None,
        )
    )  # fmt: skip
