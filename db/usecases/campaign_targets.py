"""What becomes of a campaign's targets (T4): a dial's end, an operator's result, or a refusal brings each on to its next state.

A claimed target is brought on by looking at what became of its attempt, whoever wrote that (the bridge, the record of the PBX, a
stop, the operator's result): by `campaign_ended` at once, and by the next claim or `sweep` for whatever nobody told. So a
bridge that dies leaves nothing behind that is never looked at again.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update

from db.outbox import publish
from db.rules.campaigns import (
    Days,
    Next,
    TargetState,
    Tried,
    after_refusal,
    after_try,
    reason_words,
)
from db.rules.eligibility import ContactPolicy
from db.rules.retry import counts_against_caps
from db.rules.telephony import AttemptResult, AttemptState
from db.rules.terms import AnsweredBy, Area, Channel, PhoneStatus, Retry
from db.rules.viewer import Viewer, system_viewer
from db.schema.calls import Attempt, Call
from db.schema.campaigns import CampaignTarget
from db.schema.contacts import Contact, Disposition
from db.schema.people import Phone
from db.store import access_log, summaries
from db.store import campaigns as store
from db.store.campaigns import CampaignRow, TargetRow
from db.usecases import calls as following
from db.usecases import recalls, task_rules
from db.usecases.office import Office
from db.usecases.policies import policy_of

UNKNOWN_FOR: Final = timedelta(days=3)
"""For so long an unknown outcome may still be settled by the record of the PBX, or by a person."""
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


def work_of(tx: Connection, campaign: CampaignRow, now: datetime, office: Office) -> Work:
    """A campaign at a moment."""
    policy = policy_of(tx, campaign.area, office)
    actor = system_viewer("キャンペーン").within({campaign.area})
    return Work(campaign, Days(campaign.settings, office.is_closed, policy.closed_days), policy, actor, now, office)


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
        Attempt.machine_at.is_(None),
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


def bring_on(tx: Connection, campaign_id: uuid.UUID, now: datetime, office: Office) -> None:
    """Bring on the targets of one campaign whose dial is over: before a claim, which then need not write that down while it looks."""
    tidy(tx, work_of(tx, store.get(tx, campaign_id), now, office))


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


def _bring_on(tx: Connection, work: Work, target: TargetRow) -> None:
    if target.attempt_id is None:
        if target.due_at is not None and target.due_at <= work.now:
            put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now))
        return
    row = tx.execute(select(Attempt).where(Attempt.id == target.attempt_id)).one()
    has_call = exists().where(Call.id == row.id)
    if row.state is AttemptState.PREPARED and row.prepared_at <= work.now - store.WORTH:
        if not tx.execute(select(has_call)).scalar_one():
            following.refuse(tx, row.id, work.now, reason_words("refused"))
            put(tx, work, target.debtor_id, target.area, after_refusal(["no_line"], work.now, work.days))
    elif row.state is AttemptState.REFUSED:
        put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now + timedelta(minutes=5), "refused"))
    elif row.state in {AttemptState.ENDED, AttemptState.UNKNOWN}:
        if row.result is AttemptResult.ANSWERED and row.abandoned_at is None and row.machine_at is None:
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
    somebody = row.result is AttemptResult.ANSWERED and row.machine_at is None
    if row.machine_at is not None:
        code = "voicemail"
    elif somebody:
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
            answered_by=AnsweredBy.UNKNOWN if somebody else AnsweredBy.NOBODY,
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
