"""Campaigns at work (T4): whom they dial, the last question before a dial, and who gets a person who answered.

For the bridge; what supervisors do with campaigns is in `campaign_desk`, whom they take next in `campaign_queue`, what becomes of
each afterwards in `campaign_targets`.

As with a click, nobody is dialled twice by mistake: `claim` asks the rule and commits the attempts, `authorize_campaign` asks
again and marks them as sent, and only then Originate goes out. A dial in mode predictive has no `call` until `give_answered`
has reserved an operator.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from db.outbox import publish
from db.rules import campaigns as rules
from db.rules.campaigns import after_refusal, reason_words
from db.rules.telephony import OPEN_ATTEMPTS, AttemptState, CallState, DialMode, Direction
from db.rules.terms import Channel, Right
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Attempt, Call
from db.store import access_log, calls, lines
from db.store import campaigns as store
from db.store import office as office_store
from db.store.calls import DutyRow
from db.store.kin import kin_of_each
from db.store.many import among
from db.usecases import calls as following
from db.usecases import duty, giving
from db.usecases.campaign_queue import Chosen, choose, left_alone
from db.usecases.campaign_targets import Work, claim_each, put, tidy, work_of
from db.usecases.duty import DutyError
from db.usecases.eligibility import Target, check_each
from db.usecases.giving import Given
from db.usecases.office import Office
from db.writer import urgent


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody to be dialled. `answer_probability`: the chance that the number reaches them now, by what is known of it."""

    attempt_id: uuid.UUID
    debtor_id: int
    number: str
    answer_probability: float | None


@dataclass(frozen=True, slots=True)
class CampaignGo:
    """What the bridge needs to send an Originate for a campaign; the prompts and `caller_id` are "" for the usual.

    `detects`: answering machines are told from people, and hear `voicemail_prompt`, or nothing.
    """

    attempt_id: uuid.UUID
    campaign_id: uuid.UUID
    number: str
    ring_seconds: int
    caller_id: str
    abandoned_prompt: str
    detects: bool
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
    detects: bool = False


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
    taken = [one for group in choose(tx, work, count) for one in _prepare(tx, work, group)]
    # last: on PostgreSQL the log is one after the other, and somebody who has answered may wait for it
    dialled = [(one.debtor_id, f"{one.number} {one.attempt_id}") for one in taken]
    access_log.append_all(tx, work.actor, now, "campaign.dial", dialled)
    return taken


def authorize_campaign(
    tx: Connection, attempt_ids: Sequence[uuid.UUID], now: datetime, office: Office, max_lines: int = 0
) -> list[CampaignGo]:
    """The last question before Originate, for some attempts of one campaign: those on which the answer is yes are marked as sent
    and given back, the others are refused, and the people put off.

    `max_lines`: so many outside lines of the PBX may be in use, these included; 0 for any number. The campaign's own
    number of lines is kept besides.
    """
    prepared = {row.id: row for row in tx.execute(_PREPARED, {"attempts": attempt_ids})}
    if not prepared:
        return []
    rows = [prepared[one] for one in attempt_ids if one in prepared]
    work = work_of(tx, store.get(tx, rows[0].campaign_id), now, office)
    against = _against(tx, work, rows, max_lines)
    for row in rows:
        if codes := against.get(row.id):
            following.refuse(tx, row.id, now, " ".join(words for _, words in codes))
            for target in store.claims_of(tx, work.campaign.id, [row.id]):
                later = after_refusal([code for code, _ in codes], now, work.days)
                put(tx, work, target.debtor_id, target.area, later)
    going = [row for row in rows if row.id not in against]
    following.send_each(tx, [row.id for row in going], now)
    return [_go(work, row) for row in going]


_PREPARED: Final = (
    select(Attempt)
    .where(
        among(Attempt.id, "attempts"),
        Attempt.campaign_id.is_not(None),
        Attempt.state == AttemptState.PREPARED,
    )
    .order_by(Attempt.id)
    .with_for_update()
)


def _go(work: Work, row: Any) -> CampaignGo:
    settings = work.campaign.settings
    return CampaignGo(
        attempt_id=row.id,
        campaign_id=work.campaign.id,
        number=row.number,
        ring_seconds=settings.ring_seconds,
        caller_id=settings.caller_id,
        abandoned_prompt=settings.abandoned_prompt,
        detects=settings.machines is not rules.MachineRule.IGNORE,
        voicemail_prompt=settings.voicemail_prompt if settings.machines is rules.MachineRule.MESSAGE else "",
        recording=following.recording_path(row.id, work.now),
    )


@urgent
def give_answered(tx: Connection, attempt_id: uuid.UUID, now: datetime) -> Given | None:
    """Somebody answered: reserve an operator of the campaign for them, the one who has been ready longest.

    Whoever a caller who waits will get is left out. None if nobody is left, or the person is gone or was let go already;
    it may be asked again. Asked again after it was given, it is the same operator.
    """
    row = tx.execute(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one_or_none()
    if row is None or row.campaign_id is None or row.abandoned_at is not None or row.machine_at is not None:
        return None
    if row.state not in OPEN_ATTEMPTS - {AttemptState.PREPARED}:
        return None
    following.answered(tx, attempt_id, now)
    if (given := _given(tx, attempt_id)) is not None:
        return given
    for ready, viewer in giving.left_over(tx, row.pbx, store.operators(tx, row.campaign_id)):
        if viewer.may(Right.CALL, row.area) and _reserve(tx, viewer, ready, row, now):
            return _given(tx, attempt_id)
    return None


def ledger(tx: Connection, campaign_id: uuid.UUID, day: date) -> tuple[int, int]:
    """How many people answered dials of a day (the office's), and how many of them found nobody: of all bridges."""
    return store.ledger(tx, campaign_id, day)


def must_reserve(tx: Connection, campaign: Running, day: date) -> bool:
    """Whether nobody may be dialled ahead of the operators now, because faults have cost more people than the cap allows."""
    answered, abandoned = store.ledger(tx, campaign.id, day)
    then = store.answered_at_last_loss(tx, campaign.id, day) if abandoned else 0
    return rules.must_reserve(answered, abandoned, campaign.cap, then)


def begin(tx: Connection, campaign_id: uuid.UUID, now: datetime, office: Office) -> Work | None:
    """A campaign that may dial now, what is over brought on; None if it may not."""
    campaign = store.find(tx, campaign_id)
    if campaign is None:
        return None
    work = work_of(tx, campaign, now, office)
    tidy(tx, work)
    stopped = office_store.emergency_stop(tx)
    return work if work.is_open and store.is_running(tx, campaign_id) and not stopped else None


def _prepare(tx: Connection, work: Work, group: Sequence[Chosen]) -> list[Claimed]:
    settings = work.campaign.settings
    found = [Claimed(new_id(), target.debtor_id, choice.phone.number, choice.chance) for target, choice in group]
    same = {"mode": settings.mode, "pbx": settings.pbx, "prepared_at": work.now, "campaign_id": work.campaign.id}
    tx.execute(
        _PREPARE,
        [
            {
                "id": one.attempt_id, "debtor_id": one.debtor_id, "area": target.area, "phone_id": choice.phone.id,
                "number": one.number, "state": AttemptState.PREPARED, **same,
            }
            for one, (target, choice) in zip(found, group, strict=True)
        ],
    )  # fmt: skip
    claim_each(tx, work, [(target, one.attempt_id) for one, (target, _) in zip(found, group, strict=True)])
    return found


_PREPARE: Final = insert(Attempt)


def _against(tx: Connection, work: Work, rows: Sequence[Any], max_lines: int) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """What stands against dials of a campaign, for those against which something does: codes, each with its words."""
    if not store.is_running(tx, work.campaign.id) or not work.is_open:
        return {row.id: [("refused", following.CAMPAIGN_AT_REST)] for row in rows}
    homes = kin_of_each(tx, [row.debtor_id for row in rows])
    targets = [Target(row.debtor_id, row.area, Channel.CALL_OUT, row.phone_id, row.id) for row in rows]
    decisions = check_each(tx, work.actor, targets, work.now, work.office, homes)
    alone = left_alone(tx, work, [(homes[row.debtor_id], row.number) for row in rows])
    free = _Lines(tx, work, max_lines)
    found: dict[uuid.UUID, list[tuple[str, str]]] = {}
    for row, decision in zip(rows, decisions, strict=True):
        if not decision.allowed:
            found[row.id] = [(reason.code, reason.text) for reason in decision.reasons]
        elif alone(homes[row.debtor_id], row.number) is not None:
            found[row.id] = [("abandoned", f"{reason_words('abandoned')}のため発信しませんでした。")]
        elif none := free.take():
            found[row.id] = [("no_line", none)]
    return found


class _Lines:
    """The lines that a campaign may use: its own, and those of the PBX."""

    def __init__(self, tx: Connection, work: Work, max_lines: int) -> None:
        own, pbx = work.campaign.settings.lines, work.campaign.settings.pbx
        limits = [
            (own, own and store.lines_in_use(tx, work.campaign.id, work.now)),
            (max_lines, max_lines and lines.in_use(tx, pbx)),
        ]
        self._limits = [(most, used) for most, used in limits if most]

    def take(self) -> str | None:
        """Use one more line; the words why not if there is none."""
        for most, used in self._limits:
            if used >= most:
                return following.NO_FREE_LINE.format(used=used, most=most)
        self._limits = [(most, used + 1) for most, used in self._limits]
        return None


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
        detects=settings.machines is not rules.MachineRule.IGNORE,
    )
