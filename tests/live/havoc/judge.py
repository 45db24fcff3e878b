"""After the havoc: what the register says against what the carrier counted and what the office's Asterisk wrote down.

The record is read here by means of its own, not by the bridge's.
"""

import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from db.reference.phones import dial_digits
from db.rules.campaigns import TargetState
from db.rules.retry import result_of
from db.rules.telephony import (
    OPEN_ATTEMPTS,
    OPEN_INCOMING,
    AttemptResult,
    AttemptState,
    DialMode,
    Direction,
    DutyState,
    IncomingState,
    RecordingState,
)
from db.schema.calls import Attempt, Call, Duty, Incoming, Recording
from db.schema.campaigns import CampaignTarget
from db.schema.work import Task
from db.store import access_log
from db.usecases.incoming import call_id_of
from saikoku.lab.carrier import behaviour_of
from saikoku.lab.pbx import CarrierCall

RANG_OUT = 19
ONE_FAULT = 3
"""So many people a fault may cost before operators are reserved."""


@dataclass
class Verdict:
    """What was found; `wrong` says in words what must not be."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Window:
    """When something was broken, in the office's time: from the fault on until the bridge has a link again."""

    began: datetime
    over: datetime

    def excuses(self, answered: datetime) -> bool:
        """Whether somebody who answered then may find nobody: they wait two seconds, and the dialler needs a moment."""
        return self.began - timedelta(seconds=3) <= answered <= self.over + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Written:
    """What the office's Asterisk wrote down: channels answered, ended (with the cause), and on which a call came in."""

    answered: frozenset[str]
    ended: Mapping[str, int]
    came_in: frozenset[str]


def written(record: str) -> Written:
    """Read the office's record."""
    answered, ended, came_in = set(), {}, set()
    for row in csv.reader(record.splitlines()):
        if len(row) == 11:
            if row[0] == "ANSWER":
                answered.add(row[6])
            if row[0] == "HANGUP" and "hangupcause" in (extra := json.loads(row[8]) if row[8] else {}):
                ended[row[6]] = extra["hangupcause"]
            if row[0] == "APP_START" and row[10].startswith("SaikokuIncoming,"):
                came_in.add(row[6])
    return Written(frozenset(answered), ended, frozenset(came_in))


def at_rest(tx: Connection) -> str:
    """What is not settled yet, in words; empty if all is."""
    attempts = tx.execute(select(func.count()).where(Attempt.state.in_(OPEN_ATTEMPTS))).scalar_one()
    incoming = tx.execute(select(func.count()).where(Incoming.state.in_(OPEN_INCOMING))).scalar_one()
    owed = tx.execute(select(func.count()).where(Call.wrapped_at.is_(None))).scalar_one()
    files = tx.execute(select(func.count()).where(Recording.state == RecordingState.RUNNING)).scalar_one()
    away = tx.execute(select(func.count()).where(Duty.state != DutyState.READY)).scalar_one()
    counts = {"attempts": attempts, "incoming": incoming, "owed": owed, "recordings": files, "phones": away}
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def judge(
    tx: Connection, carrier: list[CarrierCall], record: str, recordings: Path, shown: set[str], pbx: str = "main"
) -> Verdict:
    """Everything that must hold."""
    verdict, wrote = Verdict(), written(record)
    reached: dict[str, list[CarrierCall]] = defaultdict(list)
    for call in carrier:
        reached[call.number].append(call)
    _attempts(tx, verdict, reached, wrote)
    _incoming(tx, verdict, wrote, pbx)
    _calls(tx, verdict, shown)
    _recordings(tx, verdict, recordings)
    verdict.wrong += [f"access log: {one.what}" for one in access_log.verify_end(tx, 100_000)]
    return verdict


def campaign(tx: Connection, verdict: Verdict, windows: Sequence[Window], times: int, cap: float) -> None:
    """What must hold of a campaign besides: as many faults as were wanted, it went on after each, and it kept to its cap.

    Whoever answers while nothing works finds nobody; that is counted, and told apart from what the pacer lost.
    """
    rows = tx.execute(select(Attempt).where(Attempt.campaign_id.is_not(None))).all()
    answered = [row for row in rows if row.answered_at is not None]
    lost = [row for row in rows if row.abandoned_at is not None]
    paced = [row for row in lost if not any(window.excuses(row.answered_at) for window in windows)]
    verdict.counts |= Counter(
        {"answered": len(answered), "lost to the pace": len(paced), "lost to faults": len(lost) - len(paced)}
    )
    if len(paced) > max(2, cap * len(answered)):
        verdict.wrong.append(
            f"{len(paced)} of {len(answered)} people found nobody while all worked: the cap is {cap:.0%}"
        )
    if len(lost) > max(2, cap * len(answered)) + ONE_FAULT:
        verdict.wrong.append(f"{len(lost)} of {len(answered)} people found nobody: the cap is {cap:.0%}")
    verdict.wrong += _dialled_ahead(rows, cap)
    if len(windows) != times:
        verdict.wrong.append(f"{len(windows)} faults instead of {times}")
    for number, window in enumerate(windows):
        until = windows[number + 1].began if number + 1 < len(windows) else None
        if not any(
            row.sent_at and row.sent_at > window.over and (until is None or row.sent_at < until) for row in rows
        ):
            verdict.wrong.append(f"after fault {number + 1} the campaign did not go on")
    left = tx.execute(select(func.count()).where(CampaignTarget.state == TargetState.CLAIMED)).scalar_one()
    unknown = {row.id for row in rows if row.state is AttemptState.UNKNOWN}
    if left > len(unknown):
        verdict.wrong.append(f"{left} targets are held by nothing")


def _dialled_ahead(rows: Sequence[Any], cap: float) -> Iterator[str]:
    """Calls that were sent with no operator reserved although more people had been lost than the cap allows, well before."""
    for row in rows:
        if row.mode is not DialMode.PREDICTIVE or row.sent_at is None:
            continue
        before = row.prepared_at - timedelta(seconds=10)  # a dead bridge learns of its losses from the record
        answered = sum(one.answered_at is not None and one.answered_at <= row.sent_at for one in rows)
        lost = sum(one.abandoned_at is not None and one.abandoned_at <= before for one in rows)
        if lost > max(2, cap * answered):
            yield f"attempt {row.id}: dialled ahead after {lost} of {answered} people had found nobody"


def _attempts(tx: Connection, verdict: Verdict, reached: Mapping[str, list[CarrierCall]], wrote: Written) -> None:
    query = select(Attempt, Call.result_at, Call.id.label("call_id")).outerjoin(Call, Call.attempt_id == Attempt.id)
    open_tasks = set(tx.execute(select(Task.subject_id).where(Task.done_at.is_(None))).scalars())
    rows = tx.execute(query).all()
    sent = Counter(dial_digits(row.number) for row in rows if row.state is not AttemptState.REFUSED)
    for row in rows:
        number = dial_digits(row.number)
        calls, name = reached.get(number, []), f"attempt {row.id} ({number}, {row.state.value}, {row.result})"
        verdict.counts[f"attempt {row.state.value}"] += 1
        if len(calls) > max(1, sent[number]):
            verdict.wrong.append(f"{name}: called {len(calls)} times")
        if row.abandoned_at is not None:
            verdict.counts["people who found nobody"] += 1
        if row.state is AttemptState.REFUSED and len(calls) > sent[number]:
            verdict.wrong.append(f"{name}: said not to be dialled, and reached the carrier")
        elif row.state is AttemptState.UNKNOWN:
            if row.result_at is None and row.id not in open_tasks:
                verdict.wrong.append(f"{name}: nobody is asked to settle it")
            if str(row.id) in wrote.ended:
                verdict.wrong.append(f"{name}: the record tells its end")
        elif row.state is AttemptState.ENDED:
            _ended(verdict, row, number, calls, wrote)


def _ended(verdict: Verdict, row: Any, number: str, calls: list[CarrierCall], wrote: Written) -> None:
    name, answered = f"attempt {row.id} ({number}, {row.result})", row.result is AttemptResult.ANSWERED
    if answered and row.call_id is None and row.abandoned_at is None:
        verdict.wrong.append(f"{name}: answered and nobody's, and not counted")
    if not answered and str(row.id) in wrote.answered:
        verdict.wrong.append(f"{name}: the office's Asterisk saw it answered")
    if calls and calls[0].answered and not answered:
        verdict.counts["answered while the office's Asterisk slept"] += 1
    elif row.result is AttemptResult.NO_ANSWER and wrote.ended.get(str(row.id)) == RANG_OUT and calls:
        # it woke when the time to ring was over, and did not look at what the carrier had said meanwhile
        verdict.counts["rang out by the office's Asterisk"] += 1
    else:
        verdict.wrong += [f"{name}: {what}" for what in _outcome(row.result, number, calls)]


def _outcome(result: AttemptResult, number: str, calls: list[CarrierCall]) -> list[str]:
    if not calls:
        return [] if result in {AttemptResult.TRUNK_FAULT, AttemptResult.FAILED} else ["never reached the carrier"]
    if result is AttemptResult.ANSWERED and calls[0].answered is None:
        return ["the carrier did not see it answered"]
    cause = behaviour_of(number).cause
    if (
        result is not AttemptResult.ANSWERED
        and cause not in {None, 16}
        and result is not result_of(cause, answered=False)
    ):
        return [f"the carrier gave cause {cause}"]
    return []


def _incoming(tx: Connection, verdict: Verdict, wrote: Written, pbx: str) -> None:
    rows = {row.id: row for row in tx.execute(select(Incoming))}
    tasks = set(tx.execute(select(Task.subject_id)).scalars())
    for channel in wrote.came_in:
        if call_id_of(pbx, channel) not in rows:
            verdict.wrong.append(f"call that came in on {channel}: nobody knows of it")
    for row in rows.values():
        verdict.counts[f"incoming {row.state.value}"] += 1
        if row.state in {IncomingState.MISSED, IncomingState.ASKED_BACK} and row.number and row.id not in tasks:
            verdict.wrong.append(f"call that came in {row.id}: missed, and nobody is asked to call back")


def _calls(tx: Connection, verdict: Verdict, shown: set[str]) -> None:
    """Whatever was put before an operator was seen by them, or is owed."""
    query = (
        select(Call.id, Call.direction, Call.result_at, Call.wrapped_at, Attempt.state, Incoming.state)
        .outerjoin(Attempt, Attempt.id == Call.attempt_id)
        .outerjoin(Incoming, Incoming.id == Call.id)
    )
    for call_id, direction, result_at, wrapped_at, attempt, incoming in tx.execute(query):
        missed = incoming in {IncomingState.MISSED, IncomingState.ASKED_BACK}
        if wrapped_at is None or attempt is AttemptState.REFUSED or missed:
            continue
        if str(call_id) not in shown:
            verdict.wrong.append(f"call {call_id} ({direction.value}): closed without having been shown")
        if direction is Direction.OUT and result_at is None:
            verdict.wrong.append(f"call {call_id}: closed without a result")


def _recordings(tx: Connection, verdict: Verdict, folder: Path) -> None:
    rows = {row.path: row for row in tx.execute(select(Recording))}
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*.wav")}
    for path, row in rows.items():
        verdict.counts[f"recording {row.state.value}"] += 1
        file = files.get(path)
        if row.state is RecordingState.KEPT:
            if file is None or hashlib.sha256(file.read_bytes()).hexdigest() != row.sha256:
                verdict.wrong.append(f"recording {path}: not the file that was noted")
        elif row.state is not RecordingState.MISSING:
            verdict.wrong.append(f"recording {path}: still {row.state.value}")
        elif file is not None and file.stat().st_size > 44:
            verdict.wrong.append(f"recording {path}: said to be missing, and is there")
    verdict.wrong += [f"recording {path}: of no call" for path in sorted(files.keys() - rows.keys())]
    answered = select(Attempt.id).outerjoin(Recording, Recording.call_id == Attempt.id)
    for attempt_id in tx.execute(
        answered.where(Attempt.answered_at.is_not(None), Attempt.abandoned_at.is_(None), Recording.id.is_(None))
    ).scalars():
        verdict.wrong.append(f"attempt {attempt_id}: answered, without a word of its recording")
