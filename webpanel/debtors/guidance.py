"""What to do now, in one sentence, and the facts behind it: the first thing the operator's eye falls on.

Pure: it is given what the screen knows (masked or not) and looks nothing up. While the record is masked it says
nothing of money or promises, because those are not on the screen either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from db.rules.promises import PromiseOutcome
from db.rules.telephony import LIVE_CALLS
from db.store.calls import CallRow
from db.store.recalls import RecallRow
from db.usecases.records import PromiseState


class Tone(Enum):
    """How the sentence is meant: each has a shape beside its colour."""

    DO = "do"
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Advice:
    """The next thing to do."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the advice rests on. `callable_now`: some number may be called; `insist`: only deliberately."""

    now: datetime
    call: CallRow | None
    masked: bool
    callable_now: bool
    insist: bool
    phones: int
    recalls: Sequence[RecallRow]
    promises: Sequence[PromiseState]
    on_duty: bool


def advise(at: Situation) -> Advice:
    """The next thing to do, the most urgent first."""
    if at.call is not None:
        return _in_call(at.call)
    due = next((recall for recall in at.recalls if recall.due_at <= at.now + timedelta(minutes=15)), None)
    if not at.callable_now:
        return _no_call(at)
    if due is not None:
        return Advice(Tone.DO, "再コールの予約時刻です。架電してください。")
    if _stands(at, PromiseOutcome.BROKEN):
        return Advice(Tone.DO, "約束が守られていません。架電して事情を聴いてください。")
    if not at.on_duty:
        return Advice(Tone.DO, "架電できます。先に席を選んで業務を開始してください。")
    return Advice(Tone.DO, "架電できます。")


def _in_call(call: CallRow) -> Advice:
    if call.state not in LIVE_CALLS:
        return Advice(Tone.DO, "通話は終了しました。結果を登録してください。")
    if call.joined_at is None:
        return Advice(Tone.WAIT, "呼び出しています。応答がなければ切断し、結果を登録してください。")
    if call.identity_confirmed_at is None:
        return Advice(Tone.DO, "本人確認をしてください。確認前は用件を話せません。")
    return Advice(Tone.DO, "本人確認済みです。用件を伝え、結果を選んでください。")


def _no_call(at: Situation) -> Advice:
    if at.phones == 0:
        return Advice(Tone.STOP, "電話番号の記録がありません。文書または訪問で連絡してください。")
    waits = _stands(at, PromiseOutcome.PENDING, PromiseOutcome.PARTLY)
    first = "納付約束の履行を待ってください。" if waits else "通常は架電しません。"
    if at.insist:
        return Advice(Tone.WAIT, f"{first}必要なときは理由を確認のうえ架電できます。")
    if waits:
        return Advice(Tone.WAIT, first)
    return Advice(Tone.STOP, "架電できません。番号ごとの理由を確認してください。")


def _stands(at: Situation, *outcomes: PromiseOutcome) -> bool:
    return any(promise.in_force and promise.status.outcome in outcomes for promise in at.promises)
