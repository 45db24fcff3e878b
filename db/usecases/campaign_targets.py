"""What becomes of a campaign's targets (T4): a dial's end, an operator's result, or a refusal brings each on to its next state.

A claimed target is brought on by looking at what became of its attempt, whoever wrote that (the bridge, the record of the PBX, a
stop, the operator's result): by `campaign_ended` at once, and by the next claim or `sweep` for whatever nobody told. So a
bridge that dies leaves nothing behind that is never looked at again.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from db.outbox import publish, publish_each
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
from db.store import campaign_facts as facts
from db.store import campaigns as store
from db.store.campaigns import CampaignRow, TargetRow
from db.store.many import among
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


def campaign_ended(tx: Connection, attempt_ids: Collection[uuid.UUID], now: datetime, office: Office) -> None:
    """Bring the targets of attempts on, after `calls.ended`, `calls.unknown` or `calls.refuse`. May come twice, or never.

    While an operator owes the result, a target waits for that.
    """
    by_campaign: defaultdict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for row in tx.execute(_CAMPAIGNS, {"attempts": attempt_ids}):
        by_campaign[row.campaign_id].append(row.id)
    for campaign_id, ids in sorted(by_campaign.items()):
        if targets := store.claims_of(tx, campaign_id, ids):
            _bring_on(tx, work_of(tx, store.get(tx, campaign_id), now, office), targets)


_CAMPAIGNS: Final = select(Attempt.campaign_id, Attempt.id).where(
    among(Attempt.id, "attempts"), Attempt.campaign_id.is_not(None)
)


def sweep(tx: Connection, now: datetime, office: Office) -> None:
    """Bring on all targets whose dial is over and of whom nobody told. For the daemon of jobs, and before figures."""
    for campaign_id in store.with_claims(tx):
        tidy(tx, work_of(tx, store.get(tx, campaign_id), now, office))


def put(tx: Connection, work: Work, debtor_id: int, area: Area, to: Next) -> None:
    """Write down what becomes of a target."""
    tx.execute(_PUT, _put(work, debtor_id, area, to))


def claim_each(tx: Connection, work: Work, claimed: Sequence[tuple[TargetRow, uuid.UUID]]) -> None:
    """Targets that this transaction holds are claimed, each by a dial."""
    key = {"of_campaign": work.campaign.id, "now": work.now}
    tx.execute(
        _CLAIM,
        [
            {"of_debtor": row.debtor_id, "of_area": row.area, "attempt": attempt_id, **key}
            for row, attempt_id in claimed
        ],
    )


def _put(work: Work, debtor_id: int, area: Area, to: Next) -> dict[str, Any]:
    key = {"of_campaign": work.campaign.id, "of_debtor": debtor_id, "of_area": area}
    return {**key, "to_state": to.state, "due": to.due_at, "why": to.reason, "now": work.now}


_ONE: Final = update(CampaignTarget).where(
    CampaignTarget.campaign_id == bindparam("of_campaign"),
    CampaignTarget.debtor_id == bindparam("of_debtor"),
    CampaignTarget.area == bindparam("of_area"),
)
_PUT: Final = _ONE.values(
    state=bindparam("to_state"), due_at=bindparam("due"), reason=bindparam("why"), since=bindparam("now"),
    attempt_id=None, user_id=None,
)  # fmt: skip
_PUT_TRIED: Final = _PUT.values(tries=bindparam("of_tries"), last_result=bindparam("code"))
_CLAIM: Final = _ONE.values(
    state=TargetState.CLAIMED, attempt_id=bindparam("attempt"), due_at=None, reason="", since=bindparam("now")
)


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
    if targets := store.over(tx, work.campaign.id, work.now):
        _bring_on(tx, work, targets)


def _bring_on(tx: Connection, work: Work, targets: Sequence[TargetRow]) -> None:
    ids = [target.attempt_id for target in targets if target.attempt_id is not None]
    dials = {row.id: row for row in tx.execute(_DIALS, {"attempts": ids})}
    called = {row.id: row for row in tx.execute(_CALLED, {"attempts": ids})}
    over: list[_Over] = []
    for target in targets:
        row = dials.get(target.attempt_id)
        if row is None:
            if target.due_at is not None and target.due_at <= work.now:
                put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now))
        elif row.state is AttemptState.PREPARED:
            if row.prepared_at <= work.now - store.WORTH and row.id not in called:
                following.refuse(tx, row.id, work.now, reason_words("refused"))
                put(tx, work, target.debtor_id, target.area, after_refusal(["no_line"], work.now, work.days))
        elif row.state is AttemptState.REFUSED:
            later = Next(TargetState.OPEN, work.now + timedelta(minutes=5), "refused")
            put(tx, work, target.debtor_id, target.area, later)
        elif row.state in {AttemptState.ENDED, AttemptState.UNKNOWN}:
            over.append(_Over(target, _known(tx, row, called.get(row.id)), called.get(row.id)))
    _close(tx, work, over)


_DIALS: Final = select(Attempt).where(among(Attempt.id, "attempts"))
_CALLED: Final = select(Call.id, Call.result_at, Call.joined_at).where(among(Call.id, "attempts"))


def _known(tx: Connection, row: Any, call: Any) -> Any:
    """A dial that is over; of one that was answered it is told now whether it was abandoned, if nobody told (the bridge was away)."""
    talked = call is not None and call.joined_at is not None
    if talked or row.result is not AttemptResult.ANSWERED or row.abandoned_at or row.machine_at:
        return row
    abandoned(tx, row.id, row.ended_at)
    return tx.execute(select(Attempt).where(Attempt.id == row.id)).one()


@dataclass(frozen=True, slots=True)
class _Over:
    """A dial that is over, and the operator's call if it became one."""

    target: TargetRow
    dial: Any
    call: Any

    @property
    def counts(self) -> bool:
        """Whether it counts as a try."""
        return _counts(self.dial)

    def code(self, said: Mapping[uuid.UUID, str]) -> str:
        """The disposition: what was said of it, or what is noted of a dial that was nobody's call."""
        if self.call is not None:
            return said[self.dial.id]
        if self.dial.machine_at is not None:
            return "voicemail"
        if self.is_somebody:
            return "abandoned" if self.dial.abandoned_at is not None else "refused"
        return _NOTED.get(self.dial.result, "no_answer")

    @property
    def is_somebody(self) -> bool:
        """Whether a person answered it."""
        return self.dial.result is AttemptResult.ANSWERED and self.dial.machine_at is None


def _counts(dial: Any) -> bool:
    """Whether a dial counts as a try: what did not reach the person through our own doing does not."""
    return dial.result is None or counts_against_caps(dial.result, rang=dial.ringing_at is not None)


def _close(tx: Connection, work: Work, over: Sequence[_Over]) -> None:
    """Dials are over: what was said of each decides, or what is noted now of one that was nobody's call."""
    told: list[_Over] = []
    for one in over:
        if one.dial.state is AttemptState.UNKNOWN and (one.call is None or one.call.result_at is None):
            _forget(tx, work, one)
        elif one.call is None or one.call.result_at is not None:
            told.append(one)
    if not told:
        return
    said = {row.call_id: row.disposition for row in tx.execute(_SAID, {"calls": [one.dial.id for one in told]})}
    codes = {one.dial.id: one.code(said) for one in told}
    means = {row.code: row for row in tx.execute(_MEANS, {"codes": set(codes.values())})}
    people = {one.target.debtor_id for one in told}
    booked = facts.booked(tx, people, work.campaign.area)
    noted = [one for one in told if one.call is None and one.counts]
    if noted and _note(tx, work, noted, booked, {code: row.name for code, row in means.items()}, codes):
        booked = facts.booked(tx, people, work.campaign.area)
    misses = _misses(tx, work, told)
    rows = []
    for one in told:
        retry = means[codes[one.dial.id]].retry
        if one.dial.result not in {None, AttemptResult.ANSWERED}:
            retry = work.campaign.settings.retries[one.dial.result]
        tries, booking = one.target.tries + one.counts, booked.get(one.target.debtor_id)
        if booking is not None:
            to = Next(TargetState.OPEN if booking.anyones else TargetState.DONE, booking.due_at, "recall")
        else:
            to = after_try(Tried(retry, one.dial.ended_at, tries, misses[one.dial.id]), work.days)
        row = _put(work, one.target.debtor_id, one.target.area, to)
        rows.append({**row, "of_tries": tries, "code": codes[one.dial.id]})
    tx.execute(_PUT_TRIED, rows)


_SAID: Final = (
    select(Contact.call_id, Contact.disposition).where(among(Contact.call_id, "calls")).order_by(Contact.recorded_at)
)
"""The results that were given to calls; as each was last corrected comes last."""
_MEANS: Final = select(Disposition.code, Disposition.name, Disposition.retry).where(among(Disposition.code, "codes"))


def _forget(tx: Connection, work: Work, one: _Over) -> None:
    """An outcome that nobody learns of any more: nothing dials it again."""
    if one.dial.prepared_at <= work.now - UNKNOWN_FOR:
        put(tx, work, one.target.debtor_id, one.target.area, Next(TargetState.GIVEN_UP, reason="unknown"))


def _misses(tx: Connection, work: Work, over: Sequence[_Over]) -> Mapping[uuid.UUID, Sequence[datetime]]:
    """When each person was missed before, since they were last reached."""
    people = {one.target.debtor_id for one in over}
    spoken = facts.last_spoken(tx, people, work.campaign.area, called=True)
    since = {
        one.dial.id: max(spoken.get(one.target.debtor_id, facts.ALWAYS), one.dial.ended_at - facts.WINDOW)
        for one in over
    }
    missed: defaultdict[int, list[Any]] = defaultdict(list)
    for row in facts.dials(tx, people, min(since.values())):
        if _counts(row):
            missed[row.debtor_id].append(row)
    return {
        one.dial.id: [
            row.ended_at
            for row in missed[one.target.debtor_id]
            if row.id != one.dial.id and row.ended_at > since[one.dial.id]
        ]
        for one in over
    }


def _note(
    tx: Connection, work: Work, over: Sequence[_Over], booked: Mapping[int, facts.Booking], names: Mapping[str, str],
    codes: Mapping[uuid.UUID, str],
) -> bool:  # fmt: skip
    """Enter dials that were nobody's call into the negotiation record, under the attempts' own ids.

    What did not reach the person through our own doing (no line, taken back before it rang) is no contact. Returns whether a
    booking was settled by it.
    """
    tx.execute(
        _ENTER,
        [
            {
                "id": one.dial.id, "debtor_id": one.dial.debtor_id, "area": one.dial.area, "channel": Channel.CALL_OUT,
                "at": one.dial.sent_at, "number": one.dial.number, "disposition": codes[one.dial.id],
                "recorded_at": work.now, "note": "", "next_step": "",
                "answered_by": AnsweredBy.UNKNOWN if one.is_somebody else AnsweredBy.NOBODY,
            }
            for one in over
        ],
    )  # fmt: skip
    for one in over:
        if work.campaign.settings.retries.get(one.dial.result) is Retry.NUMBER_RESEARCH:
            _number_failed(tx, work, one.dial)
    settled = [one for one in over if (of := booked.get(one.dial.debtor_id)) is not None and of.due_at <= work.now]
    for one in settled:
        recalls.close_for(tx, one.dial.debtor_id, one.dial.area, one.dial.id, work.now, None)
    entered = [(one.dial.debtor_id, f"{names[codes[one.dial.id]]} {one.dial.id}") for one in over]
    access_log.append_all(tx, work.actor, work.now, "contact.record", entered)
    people = [one.dial.debtor_id for one in over]
    publish_each(tx, work.now, "debtor", people)
    summaries.refresh(tx, people, work.office.today(work.now))
    return bool(settled)


_ENTER: Final = insert(Contact)


def _number_failed(tx: Connection, work: Work, dial: Any) -> None:
    task_rules.number_failed(tx, dial.debtor_id, dial.area, dial.id, dial.number, dial.result.label, work.now)
    tx.execute(update(Phone).where(Phone.id == dial.phone_id).values(status=PhoneStatus.UNALLOCATED))
