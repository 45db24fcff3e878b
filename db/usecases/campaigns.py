"""Campaigns at work (T4): whom they dial next, the last question before a dial, who gets a person who answered, and what
becomes of each afterwards. For the bridge; what supervisors do with campaigns is in `campaign_desk`.

As with a click, nobody is dialled twice by mistake: `claim` asks the rule and commits the attempt, `authorize_campaign` asks
again and marks it as sent, and only then Originate goes out. A dial in mode predictive has no `call` until `give_answered`
has reserved an operator. A claimed target is brought on by looking at what became of its attempt, whoever wrote that (the
bridge, the record of the PBX, a stop, the operator's result): by `campaign_ended` at once, and by the next `claim` or `sweep`
for whatever nobody told. So a bridge that dies leaves nothing behind that is never looked at again.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update

from db.outbox import publish
from db.rules.campaigns import (
    NO_PREDICTIVE,
    Days,
    Next,
    TargetOrder,
    TargetState,
    Tried,
    after_refusal,
    after_try,
    reason_words,
)
from db.rules.eligibility import ContactPolicy
from db.rules.retry import counts_against_caps
from db.rules.telephony import OPEN_ATTEMPTS, AttemptResult, AttemptState, CallState, DialMode, Direction
from db.rules.terms import AnsweredBy, Area, Channel, PhoneStatus, Retry, Right
from db.rules.viewer import Viewer, system_viewer
from db.schema.base import new_id
from db.schema.calls import Attempt, Call
from db.schema.campaigns import CampaignList, CampaignTarget
from db.schema.contacts import Contact, Disposition
from db.schema.people import Phone
from db.store import access_log, calls, debtors, lines, summaries
from db.store import campaigns as store
from db.store import office as office_store
from db.store.calls import DutyRow
from db.store.campaigns import Booking, CampaignRow, TargetRow
from db.store.debtors import PhoneRow
from db.store.kin import Kin, kin, try_hold
from db.usecases import calls as following
from db.usecases import duty, giving, reach, recalls, task_rules
from db.usecases.duty import DutyError
from db.usecases.eligibility import Target, check_contact, check_numbers
from db.usecases.giving import Given
from db.usecases.office import Office
from db.usecases.policies import policy_of

LOOKED_AT: Final = 25
"""So many people a claim looks at, at most (some 20 ms each): on SQLite nobody else writes meanwhile."""
WORTH: Final = timedelta(seconds=60)
"""An attempt that no bridge has authorized after so long is given up."""
UNKNOWN_FOR: Final = timedelta(days=3)
"""For so long an unknown outcome may still be settled by the record of the PBX, or by a person."""
_OFTEN_TRIED: Final = 3
_MUCH_BETTER: Final = 2.0

_NOTED: Final = {
    AttemptResult.BUSY: "busy",
    AttemptResult.REJECTED: "refused",
    AttemptResult.UNALLOCATED: "unallocated",
    AttemptResult.CHANGED: "unallocated",
    AttemptResult.BAD_NUMBER: "unallocated",
    AttemptResult.TRUNK_FAULT: "trunk_fault",
}
"""The disposition of a dial that no operator had; of any other result, `no_answer`."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody to be dialled. `answer_probability`: the chance that the number reaches them now, by what is known of it."""

    attempt_id: uuid.UUID
    debtor_id: int
    number: str
    answer_probability: float | None


@dataclass(frozen=True, slots=True)
class CampaignGo:
    """What the bridge needs to send an Originate for a campaign; the prompts and `caller_id` are "" for the usual."""

    attempt_id: uuid.UUID
    campaign_id: uuid.UUID
    number: str
    ring_seconds: int
    caller_id: str
    abandoned_prompt: str
    voicemail_prompt: str
    recording: str


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign that runs on a PBX, as a pacer needs it. `is_open`: whether it may dial at this moment."""

    id: uuid.UUID
    mode: DialMode
    is_open: bool
    lines: int
    calls_per_second: float
    target_abandonment: float
    cap: float
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class Work:
    """A campaign at a moment: what every step of it needs."""

    campaign: CampaignRow
    days: Days
    policy: ContactPolicy
    actor: Viewer
    now: datetime
    office: Office

    @property
    def is_open(self) -> bool:
        """Whether the campaign's hours let it dial."""
        return self.days.is_open(self.now)


@dataclass(frozen=True, slots=True)
class Choice:
    """The number on which a person is to be called, and its chance."""

    phone: PhoneRow
    chance: float | None


def running(tx: Connection, pbx: str, now: datetime, office: Office) -> list[Running]:
    """The campaigns that run on a PBX, oldest first."""
    return [_running(work_of(tx, row, now, office)) for row in store.running(tx, pbx)]


def agents(tx: Connection, campaign_id: uuid.UUID) -> list[DutyRow]:
    """The operators who have joined a campaign and are on duty on its PBX, in any state."""
    campaign = store.find(tx, campaign_id)
    if campaign is None:
        return []
    there = store.operators(tx, campaign_id)
    return [one for one in calls.duties(tx, campaign.settings.pbx) if one.user_id in there]


def claim(tx: Connection, campaign_id: uuid.UUID, count: int, now: datetime, office: Office) -> list[Claimed]:
    """Take up to `count` people to be dialled now: their attempts are PREPARED, nothing is sent yet.

    Whoever may not be contacted is put off or given up, with the reason. Bridges may claim at the same time. Nothing comes
    of it while the campaign rests or is out of its hours, or during an emergency stop.
    """
    work = begin(tx, campaign_id, now, office)
    if work is None:
        return []
    return [_prepare(tx, work, target, choice) for target, choice in choose(tx, work, count)]


def authorize_campaign(
    tx: Connection, attempt_id: uuid.UUID, now: datetime, office: Office, max_lines: int = 0
) -> CampaignGo | None:
    """The last question before Originate. On yes the attempt is marked as sent; on no it is refused and the person put off.

    `max_lines`: so many outside lines of the PBX may be in use, this one included; 0 for any number. The campaign's own
    number of lines is kept besides.
    """
    row = tx.execute(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one_or_none()
    if row is None or row.campaign_id is None or row.state is not AttemptState.PREPARED:
        return None
    campaign = store.get(tx, row.campaign_id)
    work = work_of(tx, campaign, now, office)
    against = _against(tx, work, row, max_lines)
    if against:
        following.refuse(tx, attempt_id, now, " ".join(words for _, words in against))
        target = store.claim_of(tx, campaign.id, attempt_id)
        if target is not None:
            put(tx, work, target.debtor_id, target.area, after_refusal([code for code, _ in against], now, work.days))
        return None
    following.send(tx, attempt_id, now)
    settings = campaign.settings
    return CampaignGo(
        attempt_id=attempt_id,
        campaign_id=campaign.id,
        number=row.number,
        ring_seconds=settings.ring_seconds,
        caller_id=settings.caller_id,
        abandoned_prompt=settings.abandoned_prompt,
        voicemail_prompt=settings.voicemail_prompt,
        recording=following.recording_path(attempt_id, now),
    )


def give_answered(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> Given | None:
    """Somebody answered: reserve an operator of the campaign for them, the one who has been ready longest.

    Whoever a caller who waits will get is left out. None if nobody is left, or the person is gone or was let go already;
    it may be asked again. Asked again after it was given, it is the same operator.
    """
    row = tx.execute(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one_or_none()
    if row is None or row.campaign_id is None or row.abandoned_at is not None:
        return None
    if row.state not in OPEN_ATTEMPTS - {AttemptState.PREPARED}:
        return None
    following.answered(tx, attempt_id, now)
    if (given := _given(tx, attempt_id)) is not None:
        return given
    joined = store.operators(tx, row.campaign_id)
    for ready, viewer in giving.left_over(tx, row.pbx):
        free = ready.user_id in joined and viewer.may(Right.CALL, row.area)
        if free and _reserve(tx, viewer, ready, row, now):
            return _given(tx, attempt_id)
    return None


def abandoned(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> None:
    """Somebody answered, and nobody was free for them in time: counted, and not dialled predictively for NO_PREDICTIVE.

    Nothing if they were joined to an operator after all.
    """
    following.answered(tx, attempt_id, now)
    talks = exists().where(Call.attempt_id == attempt_id, Call.joined_at.is_not(None))
    lost = update(Attempt).where(
        Attempt.id == attempt_id,
        Attempt.campaign_id.is_not(None),
        Attempt.answered_at.is_not(None),
        Attempt.abandoned_at.is_(None),
        ~talks,
    )
    if tx.execute(lost.values(abandoned_at=now)).rowcount:
        publish(tx, now, "attempt", attempt_id)


def campaign_ended(tx: Connection, attempt_id: uuid.UUID, now: datetime, office: Office) -> None:
    """Bring the target of an attempt on, after `calls.ended`, `calls.unknown` or `calls.refuse`. May come twice, or never.

    While an operator owes the result, it waits for that.
    """
    campaign_id = tx.execute(select(Attempt.campaign_id).where(Attempt.id == attempt_id)).scalar_one_or_none()
    campaign = store.find(tx, campaign_id) if campaign_id is not None else None
    target = store.claim_of(tx, campaign.id, attempt_id) if campaign is not None else None
    if campaign is not None and target is not None:
        _bring_on(tx, work_of(tx, campaign, now, office), target)


def sweep(tx: Connection, now: datetime, office: Office) -> None:
    """Bring on all targets whose dial is over and of whom nobody told. For the daemon of jobs, and before figures."""
    for campaign_id in store.with_claims(tx):
        tidy(tx, work_of(tx, store.get(tx, campaign_id), now, office))


def ledger(tx: Connection, campaign_id: uuid.UUID, day: date) -> tuple[int, int]:
    """How many people answered dials of a day (the office's), and how many of them found nobody: of all bridges."""
    return store.ledger(tx, campaign_id, day)


# -- steps that the operators' own work with campaigns shares


def begin(tx: Connection, campaign_id: uuid.UUID, now: datetime, office: Office) -> Work | None:
    """A campaign that may dial now, what is over brought on; None if it may not."""
    campaign = store.find(tx, campaign_id)
    if campaign is None:
        return None
    work = work_of(tx, campaign, now, office)
    tidy(tx, work)
    stopped = office_store.emergency_stop(tx)
    return work if work.is_open and store.is_running(tx, campaign_id) and not stopped else None


def work_of(tx: Connection, campaign: CampaignRow, now: datetime, office: Office) -> Work:
    """A campaign at a moment."""
    policy = policy_of(tx, campaign.area, office)
    actor = system_viewer("キャンペーン").within({campaign.area})
    return Work(campaign, Days(campaign.settings, office.is_closed, policy.closed_days), policy, actor, now, office)


def choose(tx: Connection, work: Work, count: int) -> Iterator[tuple[TargetRow, Choice]]:
    """Up to `count` people who may be called now, each with the best number; whoever comes must be claimed at once."""
    queue, left, looks = _Queue(tx, work, count), count, min(LOOKED_AT, 5 * count + 10)
    while left > 0 and looks > 0 and (target := queue.next()) is not None:
        looks -= 1
        found = _look(tx, work, target)
        if isinstance(found, Next):
            queue.passed_over(target)
            put(tx, work, target.debtor_id, target.area, found)
        else:
            left -= 1
            yield target, found
    queue.count()


def put(
    tx: Connection, work: Work, debtor_id: int, area: Area, to: Next, *, tries: int | None = None, result: str = ""
) -> None:
    """Write down what becomes of a target."""
    values: dict[str, Any] = {"state": to.state, "due_at": to.due_at, "reason": to.reason, "since": work.now}
    values |= {"attempt_id": None, "user_id": None}
    if tries is not None:
        values |= {"tries": tries, "last_result": result}
    write(tx, work, debtor_id, area, **values)


def write(tx: Connection, work: Work, debtor_id: int, area: Area, **values: Any) -> None:
    """Change a target's row, which this transaction holds."""
    row = update(CampaignTarget).where(
        CampaignTarget.campaign_id == work.campaign.id,
        CampaignTarget.debtor_id == debtor_id,
        CampaignTarget.area == area,
    )
    tx.execute(row.values(**values))


def tidy(tx: Connection, work: Work) -> None:
    """Bring on the targets of a campaign whose dial is over."""
    for target in store.over(tx, work.campaign.id, work.now):
        _bring_on(tx, work, target)


# -- claiming


class _Queue:
    """The order in which a claim looks at people: booked calls that are due, then the lists by their weight.

    Of a list those who were put off until now come first; but after one of them was passed over somebody fresh has a turn,
    so that a thousand people who may not be called do not hold up the others.
    """

    def __init__(self, tx: Connection, work: Work, count: int) -> None:
        self._tx, self._work, self._batch = tx, work, max(2, count)
        self._recalls = store.due_recalls(tx, work.campaign.id, work.campaign.area, work.now, self._batch)
        self._lists = store.lists(tx, work.campaign.id)
        self._waiting: dict[tuple[uuid.UUID, bool], list[TargetRow]] = {}
        self._empty: set[tuple[uuid.UUID, bool]] = set()
        self._seen: set[int] = set()
        self._taken: Counter[uuid.UUID] = Counter()
        self._fresh_first = False

    def next(self) -> TargetRow | None:
        """The next to be looked at; None if there is nobody."""
        target = self._recalls.pop(0) if self._recalls else self._of_lists()
        if target is not None:
            self._seen.add(target.debtor_id)
            self._taken[target.list_id] += 1
        return target

    def passed_over(self, target: TargetRow) -> None:
        """That one was not to be called."""
        self._fresh_first = target.due_at is not None
        self._taken[target.list_id] -= 1

    def count(self) -> None:
        """Remember how many were taken of each list, so that the mix is kept over many claims."""
        for list_id, taken in sorted(self._taken.items()):
            if taken:
                mine = (CampaignList.campaign_id == self._work.campaign.id, CampaignList.list_id == list_id)
                self._tx.execute(update(CampaignList).where(*mine).values(taken=CampaignList.taken + taken))

    def _of_lists(self) -> TargetRow | None:
        def turn(list_id: uuid.UUID) -> tuple[float, uuid.UUID]:
            weight, taken = self._lists[list_id]
            return (taken + self._taken[list_id] + 1) / weight, list_id

        order = (True, False) if self._fresh_first else (False, True)
        self._fresh_first = False
        for list_id in sorted(self._lists, key=turn):
            for is_fresh in order:
                if (target := self._pop(list_id, is_fresh=is_fresh)) is not None:
                    return target
        return None

    def _pop(self, list_id: uuid.UUID, *, is_fresh: bool) -> TargetRow | None:
        source = (list_id, is_fresh)
        waiting = self._waiting.setdefault(source, [])
        if not waiting and source not in self._empty:
            found = self._fetch(list_id, is_fresh=is_fresh)
            waiting += [row for row in found if row.debtor_id not in self._seen]
        if not waiting:
            self._empty.add(source)
            return None
        return waiting.pop(0)

    def _fetch(self, list_id: uuid.UUID, *, is_fresh: bool) -> Sequence[TargetRow]:
        campaign_id = self._work.campaign.id
        if is_fresh:
            return store.fresh(self._tx, campaign_id, list_id, self._batch)
        return store.due_again(self._tx, campaign_id, list_id, self._work.now, self._batch)


def _look(tx: Connection, work: Work, target: TargetRow) -> Choice | Next:
    """Whether a person is to be called now, and on which number; or what becomes of them instead."""
    of = kin(tx, target.debtor_id)
    booking = store.booked(tx, target.debtor_id, target.area)
    if booking is not None and not (booking.anyones and booking.due_at <= work.now):
        return Next(TargetState.OPEN, max(booking.due_at, work.now + timedelta(hours=1)), "recall")
    if booking is None and store.reached_since(tx, of.person, target.area, target.since):
        return Next(TargetState.DONE, reason="reached")
    phones = debtors.phones(tx, work.actor, target.debtor_id)
    allowed, refused = _numbers(tx, work, target, of, phones)
    if not allowed:
        return _least(refused)
    return _best(tx, work, target, of, allowed, booking)


def _numbers(
    tx: Connection, work: Work, target: TargetRow, of: Kin, phones: Sequence[PhoneRow]
) -> tuple[list[PhoneRow], list[Next]]:
    """The numbers that may be called, and of each other what it means for the person."""
    ids = [phone.id for phone in phones]
    decisions = check_numbers(tx, work.actor, target.debtor_id, target.area, ids, work.now, work.office)
    allowed: list[PhoneRow] = []
    refused: list[Next] = []
    for phone in phones:
        codes = [reason.code for reason in decisions[phone.id].reasons]
        until = _left_alone_until(tx, work, of, phone.number) if not codes else None
        if codes:
            refused.append(after_refusal(codes, work.now, work.days))
        elif until is not None:
            refused.append(Next(TargetState.OPEN, until, "abandoned"))
        else:
            allowed.append(phone)
    return allowed, refused


def _least(refused: Sequence[Next]) -> Next:
    """What the numbers together mean: the soonest that any may be tried again, or the end."""
    if not refused:
        return Next(TargetState.GIVEN_UP, reason="no_number")
    done = [one for one in refused if one.state is TargetState.DONE]
    later = [one for one in refused if one.due_at is not None]
    return done[0] if done else min(later, key=lambda one: str(one.due_at)) if later else refused[0]


def _best(
    tx: Connection, work: Work, target: TargetRow, of: Kin, phones: Sequence[PhoneRow], booking: Booking | None
) -> Choice | Next:
    """The number most likely to reach the person, held against everybody else; put off if another hour is much better."""
    contacts = debtors.contacts(tx, work.actor, target.debtor_id)
    known = reach.of_phones(tx, phones, contacts, work.now, work.office, work.policy)
    wanted = booking.phone_id if booking is not None else None
    phone = max(phones, key=lambda one: (one.id == wanted, known[one.id].now or 0.0))
    what = known[phone.id]
    by_time = work.campaign.settings.order is TargetOrder.BEST_TIME and target.due_at is None and booking is None
    if by_time and what.tried >= _OFTEN_TRIED and what.best_chance > _MUCH_BETTER * (what.now or 0.0):
        return Next(TargetState.OPEN, work.days.slot_begins(what.best, work.now), "better_time")
    if not try_hold(tx, of, phone.number) or calls.being_called(tx, of.home, phone.number):
        return after_refusal(["busy"], work.now, work.days)
    return Choice(phone, what.now)


def _left_alone_until(tx: Connection, work: Work, of: Kin, number: str) -> datetime | None:
    """Until when a person is not dialled predictively, because they answered and found nobody."""
    if work.campaign.settings.mode is not DialMode.PREDICTIVE:
        return None
    at = store.abandoned_since(tx, of.person, number, work.now - NO_PREDICTIVE)
    return None if at is None else at + NO_PREDICTIVE


def _prepare(tx: Connection, work: Work, target: TargetRow, choice: Choice) -> Claimed:
    attempt_id, phone = new_id(), choice.phone
    tx.execute(
        insert(Attempt).values(
            id=attempt_id, debtor_id=target.debtor_id, area=target.area, phone_id=phone.id, number=phone.number,
            mode=work.campaign.settings.mode, pbx=work.campaign.settings.pbx, state=AttemptState.PREPARED,
            prepared_at=work.now, campaign_id=work.campaign.id,
        )
    )  # fmt: skip
    write(
        tx,
        work,
        target.debtor_id,
        target.area,
        state=TargetState.CLAIMED,
        attempt_id=attempt_id,
        due_at=None,
        reason="",
        since=work.now,
    )
    access_log.append(
        tx, work.actor, work.now, "campaign.dial", debtor_id=target.debtor_id, detail=f"{phone.number} {attempt_id}"
    )
    return Claimed(attempt_id, target.debtor_id, phone.number, choice.chance)


# -- the last question, and who gets whom


def _against(tx: Connection, work: Work, row: Any, max_lines: int) -> list[tuple[str, str]]:
    """What stands against a dial: codes, each with its words."""
    if not store.is_running(tx, work.campaign.id) or not work.is_open:
        return [("refused", following.CAMPAIGN_AT_REST)]
    target = Target(row.debtor_id, row.area, Channel.CALL_OUT, row.phone_id)
    decision = check_contact(tx, work.actor, target, work.now, work.office, but_not=row.id)
    if not decision.allowed:
        return [(reason.code, reason.text) for reason in decision.reasons]
    if _left_alone_until(tx, work, kin(tx, row.debtor_id), row.number) is not None:
        return [("abandoned", f"{reason_words('abandoned')}のため発信しませんでした。")]
    for used, most in (
        (store.lines_in_use(tx, work.campaign.id, work.now), work.campaign.settings.lines),
        (lines.in_use(tx, row.pbx), max_lines),
    ):
        if most and used >= most:
            return [("no_line", following.NO_FREE_LINE.format(used=used, most=most))]
    return []


def _reserve(tx: Connection, viewer: Viewer, at: DutyRow, row: Any, now: datetime) -> bool:
    """Take an operator for somebody who answered; False if something else was quicker."""
    try:
        with tx.begin_nested():
            publish(tx, now, following.TOPIC, row.id, viewer.user_id)  # first: the pop comes before all else
            tx.execute(
                insert(Call).values(
                    id=row.id, direction=Direction.OUT, attempt_id=row.id, debtor_id=row.debtor_id, area=row.area,
                    number=row.number, user_id=viewer.user_id, seat=at.seat, state=CallState.RINGING, started_at=now,
                )
            )  # fmt: skip
            duty.reserve(tx, viewer, row.id, now)
    except DutyError:
        return False
    following.expect_recording(tx, row.id)
    access_log.append(tx, viewer, now, "call.pop", debtor_id=row.debtor_id, detail=str(row.id))
    return True


def _given(tx: Connection, attempt_id: uuid.UUID) -> Given | None:
    query = select(Call.seat, Call.state, Attempt.sent_at).join(Attempt, Attempt.id == Call.attempt_id)
    row = tx.execute(query.where(Call.id == attempt_id)).one_or_none()
    if row is None or row.state is not CallState.RINGING:
        return None
    return Given(attempt_id, str(attempt_id), row.seat, following.recording_path(attempt_id, row.sent_at))


# -- what becomes of a target


def _bring_on(tx: Connection, work: Work, target: TargetRow) -> None:
    if target.attempt_id is None:
        if target.due_at is not None and target.due_at <= work.now:
            put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now))
        return
    row = tx.execute(select(Attempt).where(Attempt.id == target.attempt_id)).one()
    has_call = exists().where(Call.id == row.id)
    if row.state is AttemptState.PREPARED and row.prepared_at <= work.now - WORTH:
        if not tx.execute(select(has_call)).scalar_one():
            following.refuse(tx, row.id, work.now, reason_words("refused"))
            put(tx, work, target.debtor_id, target.area, after_refusal(["no_line"], work.now, work.days))
    elif row.state is AttemptState.REFUSED:
        put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now + timedelta(minutes=5), "refused"))
    elif row.state in {AttemptState.ENDED, AttemptState.UNKNOWN}:
        if row.result is AttemptResult.ANSWERED and row.abandoned_at is None:
            abandoned(tx, row.id, row.ended_at)  # nobody told if the bridge was away; nothing, if they talked
            row = tx.execute(select(Attempt).where(Attempt.id == target.attempt_id)).one()
        _over(tx, work, target, row)


def _over(tx: Connection, work: Work, target: TargetRow, row: Any) -> None:
    """A dial is over: what was said of it decides, or what is noted now of one that was nobody's call."""
    call = tx.execute(select(Call.result_at).where(Call.id == row.id)).one_or_none()
    if call is not None and call.result_at is None:
        if row.state is AttemptState.UNKNOWN:
            _forget(tx, work, target, row)
        return
    if call is None and row.state is AttemptState.UNKNOWN:
        _forget(tx, work, target, row)
        return
    code = _note(tx, work, row) if call is None else _said(tx, row.id)
    means = tx.execute(select(Disposition.retry).where(Disposition.code == code)).scalar_one()
    if row.result not in {None, AttemptResult.ANSWERED}:
        means = work.campaign.settings.retries[row.result]
    counts = row.result is None or counts_against_caps(row.result, rang=row.ringing_at is not None)
    tries = target.tries + counts
    booking = store.booked(tx, target.debtor_id, target.area)
    if booking is not None:
        to = Next(TargetState.OPEN if booking.anyones else TargetState.DONE, booking.due_at, "recall")
    else:
        to = after_try(Tried(means, row.ended_at, tries, _misses(tx, target, row)), work.days)
    put(tx, work, target.debtor_id, target.area, to, tries=tries, result=code)


def _forget(tx: Connection, work: Work, target: TargetRow, row: Any) -> None:
    """An outcome that nobody learns of any more: nothing dials it again."""
    if row.prepared_at <= work.now - UNKNOWN_FOR:
        put(tx, work, target.debtor_id, target.area, Next(TargetState.GIVEN_UP, reason="unknown"))


def _said(tx: Connection, call_id: uuid.UUID) -> str:
    """The result that was given to a call, as it was last corrected."""
    query = select(Contact.disposition).where(Contact.call_id == call_id).order_by(Contact.recorded_at.desc()).limit(1)
    return tx.execute(query).scalar_one()


def _misses(tx: Connection, target: TargetRow, row: Any) -> list[datetime]:
    """When the person was missed before, since they were last reached."""
    last = store.last_reached(tx, target.debtor_id, target.area)
    since = max(last or row.ended_at - store.WINDOW, row.ended_at - store.WINDOW)
    return [
        one.ended_at
        for one in store.dials(tx, target.debtor_id, since, row.id)
        if one.result is None or counts_against_caps(one.result, rang=one.ringing_at is not None)
    ]


def _note(tx: Connection, work: Work, row: Any) -> str:
    """Enter a dial that was nobody's call into the negotiation record, under the attempt's own id; returns the result.

    What did not reach the person through our own doing (no line, taken back before it rang) is no contact.
    """
    if row.result is AttemptResult.ANSWERED:
        code = "abandoned" if row.abandoned_at is not None else "refused"
    else:
        code = _NOTED.get(row.result, "no_answer")
    if not counts_against_caps(row.result, rang=row.ringing_at is not None):
        return code
    name = tx.execute(select(Disposition.name).where(Disposition.code == code)).scalar_one()
    tx.execute(
        insert(Contact).values(
            id=row.id, debtor_id=row.debtor_id, area=row.area, channel=Channel.CALL_OUT, at=row.sent_at,
            number=row.number, disposition=code, recorded_at=work.now, note="", next_step="",
            answered_by=AnsweredBy.UNKNOWN if row.result is AttemptResult.ANSWERED else AnsweredBy.NOBODY,
        )
    )  # fmt: skip
    if work.campaign.settings.retries.get(row.result) is Retry.NUMBER_RESEARCH:
        task_rules.number_failed(tx, row.debtor_id, row.area, row.id, row.number, row.result.label, work.now)
        tx.execute(update(Phone).where(Phone.id == row.phone_id).values(status=PhoneStatus.UNALLOCATED))
    recalls.close_for(tx, row.debtor_id, row.area, row.id, work.now, None)
    access_log.append(tx, work.actor, work.now, "contact.record", debtor_id=row.debtor_id, detail=f"{name} {row.id}")
    publish(tx, work.now, "debtor", row.debtor_id)
    summaries.refresh(tx, [row.debtor_id], work.office.today(work.now))
    return code


def _running(work: Work) -> Running:
    settings = work.campaign.settings
    return Running(
        id=work.campaign.id,
        mode=settings.mode,
        is_open=work.is_open,
        lines=settings.lines,
        calls_per_second=settings.calls_per_second,
        target_abandonment=settings.target_abandonment,
        cap=settings.cap,
        ring_seconds=settings.ring_seconds,
    )
