"""Everything that the record's page shows, gathered in one transaction, with the access logged in it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from db.rules.eligibility import DEBT_AREAS, ContactPolicy, Decision
from db.rules.months import same_day_of_month
from db.rules.promises import PromiseOutcome
from db.rules.telephony import LIVE_CALLS, Direction
from db.rules.terms import AnsweredBy, Area, CaseState, Channel, FlagKind, PhoneKind, PhoneStatus, Right
from db.rules.viewer import Viewer
from db.store import assignments, calls, messages, receivers, tasks
from db.store.arrears import ArrearsLine
from db.store.assignments import AssignmentRow
from db.store.calls import DutyRow
from db.store.debtors import ContactRow, Hit, Person, PhoneRow
from db.store.messages import MessageRow
from db.store.receivers import Receiver
from db.store.tasks import TaskRow
from db.usecases import campaign_work, sms_desk
from db.usecases.campaign_work import Person as CampaignPerson
from db.usecases.eligibility import check_numbers
from db.usecases.merges import Candidate, candidates
from db.usecases.messages import masked as masked_messages
from db.usecases.office import Office
from db.usecases.phrases import note_phrases
from db.usecases.policies import policy_of
from db.usecases.reach import Reach, of_phones
from db.usecases.recalls import hindrances
from db.usecases.records import PromiseState, Record, areas_unmasked, open_record
from db.usecases.results import BY_HAND, DispositionRow, dispositions, dispositions_of
from db.usecases.sms_desk import Thread
from db.usecases.task_desk import masked as masked_tasks
from webpanel.debtors.forms import HAND_LINES
from webpanel.debtors.guidance import Advice, Situation, advise
from webpanel.debtors.scripts import Script, scripts
from webpanel.debtors.words import national

_DEBT_STEPS: Final = (
    "再架電",
    "納付状況の確認",
    "納付書の再送",
    "財産調査",
    "文書催告",
    "訪問",
    "上司に相談",
    "対応終了",
)
_OTHER_STEPS: Final = ("再架電", "資料の送付", "上司に相談", "対応終了")


_IN_USE: Final = (PhoneStatus.USABLE, PhoneStatus.UNVERIFIED)
_REFUSAL_SHOWN: Final = timedelta(minutes=3)


class Tab(Enum):
    """What stands in the middle of the page."""

    OVERVIEW = "overview"
    ITEMS = "items"
    PAYMENTS = "payments"
    PROMISES = "promises"
    DISPATCHES = "dispatches"
    SMS = "sms"

    @property
    def label(self) -> str:
        """The word on the tab."""
        return _TAB_LABELS[self]

    @classmethod
    def read(cls, text: str) -> "Tab":
        """The tab named in an address; the overview for a name that is none."""
        return next((tab for tab in cls if tab.value == text), cls.OVERVIEW)


_TAB_LABELS: Final[Mapping[Tab, str]] = {
    Tab.OVERVIEW: "滞納・交渉記録",
    Tab.ITEMS: "税目詳細",
    Tab.PAYMENTS: "収納履歴",
    Tab.PROMISES: "約束履行",
    Tab.DISPATCHES: "発送管理",
    Tab.SMS: "SMS",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One telephone number as it stands on the page: best first, `best` is the first that may be called."""

    phone: PhoneRow
    national: str
    decision: Decision | None
    insist: bool
    best: bool
    reach: Reach

    @property
    def allowed(self) -> bool:
        """Whether it may be called now."""
        return self.decision is not None and self.decision.allowed

    @property
    def in_use(self) -> bool:
        """Whether there is any point in saying when it reaches the person."""
        return self.phone.status in _IN_USE


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record that is made by hand: the channel with a result of its own."""

    channel: Channel
    disposition: DispositionRow

    @property
    def value(self) -> str:
        """What the form sends."""
        return f"{self.channel.value}:{self.disposition.code}"


@dataclass(frozen=True, slots=True)
class Screen:
    """The page. `area` is the business area in which one calls and writes from it, None for those who only look."""

    record: Record
    viewer: Viewer
    office: Office
    policy: ContactPolicy
    now: datetime
    tab: Tab
    area: Area | None
    areas: Sequence[Area]
    lines: Sequence[Line]
    duty: DutyRow | None
    pad: Sequence[DispositionRow]
    kinds: Sequence[Kind]
    phrases: Sequence[str]
    scripts: Sequence[Script]
    advice: Advice
    next_steps: Sequence[str]
    refusal: str | None
    hindrances: Mapping[uuid.UUID, Decision]
    tasks: Sequence[TaskRow]
    messages: Sequence[MessageRow]
    assignments: Sequence[AssignmentRow]
    receivers: Mapping[Area, Sequence[Receiver]]
    candidates: Sequence[Candidate] = ()
    campaign: CampaignPerson | None = None
    thread: Thread | None = None
    answerers: Sequence[AnsweredBy] = tuple(AnsweredBy)
    hand_lines: int = HAND_LINES

    @property
    def tabs(self) -> Sequence[Tab]:
        """The tabs; people of areas without debts have the negotiation record and messages only."""
        return tuple(Tab) if self.debts else (Tab.OVERVIEW, Tab.SMS)

    @property
    def debts(self) -> bool:
        """Whether any area the viewer sees here is about money owed."""
        return any(area in DEBT_AREAS for area in self.record.areas)

    @property
    def live(self) -> bool:
        """Whether the viewer is on the line with the person."""
        return self.record.call is not None and self.record.call.state in LIVE_CALLS

    @property
    def identified(self) -> bool:
        """Whether identity was confirmed on this call."""
        return self.record.call is not None and self.record.call.identity_confirmed_at is not None

    @property
    def tries_left(self) -> int:
        """How often the identity may still be tried on this call."""
        call = self.record.call
        return self.office.identity_tries - (call.identity_failures if call else 0)

    @property
    def may_write(self) -> bool:
        """Whether the viewer may record results in the area at hand."""
        return self.area is not None and self.viewer.may(Right.RESULT_RECORD, self.area)

    @property
    def may_text(self) -> bool:
        """Whether the viewer may send messages in the area at hand."""
        return self.area is not None and self.viewer.may(Right.SMS, self.area)

    @property
    def may_promise(self) -> bool:
        """Whether a promise may be taken now: the right, and the amounts on the screen."""
        return self.area in self.record.states and self.area in DEBT_AREAS and self._offers

    @property
    def _offers(self) -> bool:
        return self.area is not None and self.viewer.may(Right.PROMISE_OFFER, self.area)

    @property
    def owed(self) -> int:
        """Principal and late charge in the area at hand, in yen: what a promise can be about."""
        part = self.record.open
        return sum(line.total for line in part.arrears if line.area is self.area) if part else 0

    @property
    def arrears_by_number(self) -> Sequence[tuple[Hit | Person, Sequence[ArrearsLine]]]:
        """What is owed under the number at hand, and under the person's other numbers (名寄せ)."""
        part = self.record.open
        return [(self.record.person, part.arrears), *((one.hit, one.arrears) for one in part.others)] if part else []

    @property
    def several_areas(self) -> bool:
        """Whether lists must say which area each line belongs to."""
        return len(self.record.areas) > 1

    @property
    def assumed(self) -> bool:
        """Whether any late charge rests on a rate that is not published."""
        part = self.record.open
        return any(line.charge.assumed for line in part.arrears) if part else False

    @property
    def broken(self) -> PromiseState | None:
        """The promise in force that is not kept, if one."""
        part = self.record.open
        found = (p for p in part.promises if p.in_force and p.status.outcome is PromiseOutcome.BROKEN) if part else ()
        return next(iter(found), None)

    @property
    def stale(self) -> bool:
        """Whether the data are older than the office calls on."""
        limit = timedelta(hours=self.policy.data_age_limit_hours)
        return self.now - self.record.data_as_of > limit

    @property
    def quick_days(self) -> Sequence[tuple[str, date]]:
        """Days that people name when they promise: the coming 15th and 25th, the ends of this month and the next."""
        return quick_days(self.office.today(self.now))

    @property
    def local_now(self) -> str:
        """The office's wall clock, for what the page counts from now on."""
        return self.now.astimezone(self.office.zone).strftime("%Y-%m-%dT%H:%M:%S")

    @property
    def household_owing(self) -> int:
        """How many of the household shown owe something."""
        part = self.record.open
        return sum(member.outstanding > 0 for member in part.household) if part else 0

    def may_decide(self, promise: PromiseState) -> bool:
        """Whether the viewer is offered to approve an offer of instalments, or to take a promise back."""
        return self.viewer.may(Right.PROMISE_DECIDE, promise.row.area)

    def may_play(self, row: ContactRow) -> bool:
        """Whether the viewer is offered to hear the recording of a line of the negotiation record."""
        unmasked = not self.record.masked and row.area in areas_unmasked(self.viewer, self.record.call)
        return unmasked and self.viewer.may(Right.RECORDING_PLAY, row.area)

    def may_correct(self, row: ContactRow) -> bool:
        """Whether the viewer is offered to correct a line of the negotiation record."""
        allowed = row.staff_id == self.viewer.user_id or self.viewer.may(Right.RECALL_ANYONE, row.area)
        return not row.corrected and allowed and self.viewer.may(Right.RESULT_RECORD, row.area)


def load(
    tx: Connection, viewer: Viewer, debtor_id: int, office: Office, now: datetime, *, office_name: str, tab: Tab,
    wanted: str,
) -> Screen:  # fmt: skip
    """Open the record and what belongs around it. Raises NotFoundError. `wanted` names the area asked for, if one."""
    record = open_record(tx, viewer, debtor_id, now, office)
    areas = [area for area in record.areas if viewer.may(Right.CALL, area) or viewer.may(Right.RESULT_RECORD, area)]
    area = _area(record, areas, wanted)
    calling = area is not None and record.call is None and viewer.may(Right.CALL, area)
    ids = [phone.id for phone in record.phones]
    decisions = check_numbers(tx, viewer, debtor_id, area, ids, now, office) if calling and area else {}
    policy = policy_of(tx, area, office) if area else office.policy
    reached = of_phones(tx, record.phones, record.contacts, now, office, policy)
    lines = _lines(record, decisions, reached, viewer)
    duty = calls.duty(tx, viewer.user_id)
    insight = viewer.within(areas_unmasked(viewer, record.call))
    channel = Channel.CALL_IN if record.call and record.call.direction is Direction.IN else Channel.CALL_OUT
    identified = record.call is not None and record.call.identity_confirmed_at is not None
    return Screen(
        record=record,
        viewer=viewer,
        office=office,
        policy=policy,
        now=now,
        tab=tab,
        area=area,
        areas=areas,
        lines=lines,
        duty=duty,
        pad=dispositions(tx, channel) if record.call else (),
        kinds=()
        if record.call
        else [Kind(by, row) for by, rows in dispositions_of(tx, BY_HAND).items() for row in rows],
        phrases=note_phrases(tx, area) if area else (),
        next_steps=next_steps(area) if area else (),
        refusal=None if record.call else calls.last_refusal(tx, viewer, debtor_id, now - _REFUSAL_SHOWN),
        hindrances=hindrances(tx, viewer, record.recalls, now, office) if record.call is None else {},
        tasks=masked_tasks(insight, tasks.of_debtor(tx, insight, debtor_id)),
        messages=masked_messages(viewer, messages.of_debtor(tx, viewer, debtor_id), insight.areas()),
        assignments=assignments.of_debtor(tx, viewer, debtor_id),
        receivers={each: receivers.of_area(tx, viewer, each) for each in record.areas},
        scripts=scripts(
            area, identified=identified, office_name=office_name, person_name=record.person.name, staff_name=viewer.name
        )
        if area
        else (),
        advice=advise(_situation(record, lines, duty, now)),
        candidates=candidates(tx, viewer, debtor_id, office.today(now)) if record.open else (),
        campaign=campaign_work.concerning(tx, viewer, debtor_id, record.call),
        thread=sms_desk.thread(tx, viewer, tuple(record.numbers), insight.areas()) if tab is Tab.SMS else None,
    )


def case_tone(state: CaseState) -> str:
    """The tone in which a state is shown, beside its word."""
    return {CaseState.BROKEN: "bad", CaseState.PROMISED: "good", CaseState.PAID: "good"}.get(state, "plain")


FLAG_SHAPES: Final[Mapping[FlagKind, str]] = {
    FlagKind.PROTECTED: "◆",
    FlagKind.CAUTION: "▲",
    FlagKind.INTERPRETER: "●",
}
"""The shape beside a flag's word; all others close a way of contact and have ■."""


def overdue_days(line: ArrearsLine, today: date) -> int:
    """Days since an installment was due."""
    return (today - line.due_on).days


def next_steps(area: Area) -> Sequence[str]:
    """Words offered for the next step."""
    return _DEBT_STEPS if area in DEBT_AREAS else _OTHER_STEPS


def quick_days(today: date) -> Sequence[tuple[str, date]]:
    """Days that people name when they promise, none of them past, in the order in which they come."""
    following = same_day_of_month(today.replace(day=1), 1)
    after = same_day_of_month(today.replace(day=1), 2)
    near = [(day, today.replace(day=day) if day >= today.day else following.replace(day=day)) for day in (15, 25)]
    named = [(f"{day.month}月{number}日", day) for number, day in near]
    ends = [("今月末", following - timedelta(days=1)), ("来月末", after - timedelta(days=1))]
    return sorted([*named, *ends], key=itemgetter(1))


def _area(record: Record, areas: Sequence[Area], wanted: str) -> Area | None:
    if record.call is not None:
        return record.call.area
    owing = [line.area for line in record.open.arrears if line.area in areas] if record.open else []
    asked = [area for area in areas if area.value == wanted]
    return next(iter([*asked, *owing, *areas]), None)


def _lines(
    record: Record, decisions: Mapping[int, Decision], reached: Mapping[int, Reach], viewer: Viewer
) -> list[Line]:
    phones = sorted(record.phones, key=lambda phone: _rank(phone, reached[phone.id]))
    allowed = [phone.id for phone in phones if phone.id in decisions and decisions[phone.id].allowed]
    return [
        Line(
            phone,
            national(phone.number),
            decisions.get(phone.id),
            insist=phone.id in decisions and _may_insist(decisions[phone.id], viewer),
            best=phone.id in allowed[:1],
            reach=reached[phone.id],
        )
        for phone in phones
    ]


def _rank(phone: PhoneRow, reach: Reach) -> tuple[bool, float]:
    """Numbers in use first; of these the one that reaches the person likeliest now, or at its best time if it is closed.

    Of equals the order of the register stands.
    """
    return phone.status not in _IN_USE, -(reach.best_chance if reach.now is None else reach.now)


def _may_insist(decision: Decision, viewer: Viewer) -> bool:
    return bool(decision.reasons) and not viewer.contracted and all(reason.soft for reason in decision.reasons)


def _situation(record: Record, lines: Sequence[Line], duty: DutyRow | None, now: datetime) -> Situation:
    return Situation(
        now=now,
        call=record.call,
        masked=record.masked,
        callable_now=any(line.allowed for line in lines),
        insist=any(line.insist for line in lines),
        phones=sum(line.phone.kind is not PhoneKind.OTHER for line in lines),
        recalls=record.recalls,
        promises=record.open.promises if record.open else (),
        on_duty=duty is not None,
    )
