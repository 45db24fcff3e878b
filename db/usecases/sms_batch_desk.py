"""What officers do with batches (S2): make, look at real cases, let somebody approve, pause, resume, stop; and what came of them.

Whoever makes or runs a batch needs the right for it in the batch's area. Above `APPROVAL_ABOVE` people somebody else lets it go.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, update

from db.outbox import publish
from db.rules.officetime import office_time
from db.rules.sms import SmsState
from db.rules.sms_batches import APPROVAL_ABOVE, FASTEST, OVER, BatchSettings, BatchState, problems
from db.rules.terms import Area, Right
from db.rules.texts.draft import look as look_at
from db.rules.texts.fields import merge
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.sms import SmsBatch
from db.store import access_log, debtors
from db.store import sms as messages
from db.store import sms_batches as store
from db.store.sms_batches import BatchRow
from db.usecases import sms_batches, sms_templates, targets
from db.usecases.office import Office
from db.usecases.policies import policy_of
from db.usecases.sms import Wording
from db.usecases.sms_batches import STATES, TOPIC

SAMPLE: Final = 20
DAYS: Final = (1, 3, 7)
"""After so many days it is counted who called back and who paid."""
LONGEST: Final = 200


class BatchError(Exception):
    """A batch cannot be set or used so; `fields` says what is wrong with each entry, the message is for all of them."""

    def __init__(self, code: str, message: str, wrong: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fields = dict(wrong or {})


@dataclass(frozen=True, slots=True)
class Case:
    """One real person of a list, and what the batch would do."""

    debtor_id: int
    name: str
    number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come, in people. `left_out`: by the code of the reason."""

    fates: Mapping[SmsState, int]
    left_out: Mapping[str, int]

    @property
    def queued(self) -> int:
        """For how many people there is a message."""
        return sum(self.fates.values())

    @property
    def looked_at(self) -> int:
        """How many people of the list were looked at."""
        return self.queued + sum(self.left_out.values())

    @property
    def sent(self) -> int:
        """How many messages went out, or may have."""
        return self.queued - self.of(SmsState.QUEUED) - self.of(SmsState.SUBMITTING) - self.of(SmsState.REFUSED)

    def of(self, state: SmsState) -> int:
        """How many messages are in a state."""
        return self.fates.get(state, 0)


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a batch: fates by route and by hour (office time), and who reacted within so many days.

    `called`, `paid`: of `sent` people, by day; a day that is not over for everybody counts as far as it has come.
    """

    routes: Mapping[str, Mapping[SmsState, int]]
    hours: Mapping[datetime, Mapping[SmsState, int]]
    sent: int
    called: Mapping[int, int]
    paid: Mapping[int, int]


def make(
    tx: Connection, viewer: Viewer, area: Area, list_id: uuid.UUID, template_id: uuid.UUID, settings: BatchSettings,
    now: datetime, office: Office, wording: Wording, city: str,
) -> uuid.UUID:  # fmt: skip
    """Make a batch over a list; nothing happens yet. Raises BatchError, NotAllowedError, SavedError."""
    viewer.require(Right.SMS_BATCH, area)
    viewer.require(Right.SMS, area)
    targets.one(tx, viewer, list_id)
    wrong = problems(settings, policy_of(tx, area, office), now)
    template = next((row for row in messages.templates(tx, area) if row.template_id == template_id), None)
    total = store.size(tx, list_id, area)
    if template is None:
        wrong["template_id"] = "定型文を選んでください。"
    if not total:
        wrong["list_id"] = f"この名簿に{area.label}の案件はありません。"
    body, units = "", 0
    if template is not None:
        text = merge(template.body, sms_templates.values(tx, area, city, viewer.name))
        seen = look_at(text, wording.lint, wording.allowance)
        body, units = seen.text, seen.composition.units if seen.composition else 0
        if not seen.fine:
            wrong["template_id"] = " ".join(seen.reasons)
    if wrong or template is None:
        raise BatchError("settings", "入力内容を確認してください。", wrong)
    batch_id = new_id()
    tx.execute(
        insert(SmsBatch).values(
            id=batch_id, name=settings.name.strip(), area=area, list_id=list_id, template_id=template.id, body=body,
            units=units, number_rule=settings.number_rule, state=BatchState.DRAFT, starts_at=settings.starts_at,
            days=sum(1 << day for day in settings.days), opens=settings.opens, closes=settings.closes,
            per_minute=settings.per_minute, place=0, total=total, made_by=viewer.user_id, made_at=now, reason="",
        )
    )  # fmt: skip
    _tell(tx, viewer, batch_id, now, "sms.batch.make", f"「{settings.name}」{total:,}人")
    return batch_id


def begin(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime) -> None:
    """Let the list be gone through: who can be written to, and who not."""
    batch = required(tx, viewer, batch_id, lock=True)
    _must_be(batch, BatchState.DRAFT)
    _enter(tx, viewer, batch, BatchState.PREPARING, now, "sms.batch.prepare")


def approve(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime) -> None:
    """Let a batch send. Above `APPROVAL_ABOVE` people not whoever made it."""
    batch = required(tx, viewer, batch_id, lock=True)
    _must_be(batch, BatchState.WAITING)
    if not may_approve(viewer, batch, progress(tx, batch).queued):
        raise BatchError(
            "approval", f"{APPROVAL_ABOVE}人を超える一括送信は、作成した本人以外の権限を持つ職員が承認します。"
        )
    values = {"approved_by": viewer.user_id, "approved_at": now}
    tx.execute(update(SmsBatch).where(SmsBatch.id == batch_id).values(values))
    _enter(tx, viewer, batch, BatchState.RUNNING, now, "sms.batch.approve")


def may_approve(viewer: Viewer, batch: BatchRow, queued: int) -> bool:
    """Whether the viewer may let a batch to so many people go."""
    return viewer.may(Right.SMS_BATCH, batch.area) and (queued <= APPROVAL_ABOVE or viewer.user_id != batch.made_by)


def to_approve(tx: Connection, viewer: Viewer) -> list[tuple[BatchRow, int]]:
    """The batches that wait for the viewer's approval, each with how many people it writes to. Names nobody."""
    rows = store.waiting_for_approval(tx, viewer.areas(Right.SMS_BATCH))
    found = [(row, progress(tx, row).queued) for row in rows]
    return [(row, queued) for row, queued in found if may_approve(viewer, row, queued)]


def pause(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime) -> None:
    """Send nothing more until it is resumed; what is with the carrier goes on."""
    batch = required(tx, viewer, batch_id, lock=True)
    _must_be(batch, BatchState.RUNNING)
    _enter(tx, viewer, batch, BatchState.PAUSED, now, "sms.batch.pause")


def resume(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime) -> None:
    """Go on where it was paused."""
    batch = required(tx, viewer, batch_id, lock=True)
    _must_be(batch, BatchState.PAUSED)
    _enter(tx, viewer, batch, BatchState.RUNNING, now, "sms.batch.resume")


def set_pace(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, per_minute: int, now: datetime) -> None:
    """Send faster or slower from now on: as many as call back can be served."""
    batch = required(tx, viewer, batch_id, lock=True)
    if batch.state in OVER:
        raise BatchError("state", f"この一括送信は「{batch.state.label}」です。")
    if not 1 <= per_minute <= FASTEST:
        wrong = f"1～{FASTEST:,}の数字を入力してください。"
        raise BatchError("per_minute", wrong, {"per_minute": wrong})
    tx.execute(update(SmsBatch).where(SmsBatch.id == batch_id).values(per_minute=per_minute))
    detail = f"「{batch.settings.name}」1分に{batch.settings.per_minute}→{per_minute}件"
    _tell(tx, viewer, batch_id, now, "sms.batch.pace", detail)


def stop(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, reason: str, now: datetime) -> None:
    """End a batch at once and for good, whatever its state; also how an approval is refused."""
    batch = required(tx, viewer, batch_id, lock=True)
    words = " ".join(reason.replace("\0", "").split())
    if not words or len(words) > LONGEST:
        raise BatchError(
            "reason", "理由を入力してください。", {"reason": f"理由を{LONGEST}文字以内で入力してください。"}
        )
    if batch.state in OVER:
        raise BatchError("state", f"この一括送信は「{batch.state.label}」です。")
    sms_batches.end(tx, batch_id, BatchState.STOPPED, now, f"{viewer.name}：{words}")
    _tell(tx, viewer, batch_id, now, "sms.batch.stop", f"「{batch.settings.name}」{words}")


def required(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, *, lock: bool = False) -> BatchRow:
    """A batch of an area in which the viewer runs batches; nobody learns of others."""
    found = store.find(tx, batch_id, lock=lock)
    if found is None or not viewer.may(Right.SMS_BATCH, found.area):
        raise BatchError("no_such_batch", "該当する一括送信がありません。")
    return found


def progress(tx: Connection, batch: BatchRow) -> Progress:
    """How far a batch has come. Names nobody."""
    return Progress(store.fates(tx, batch.id), store.left_out(tx, batch.id))


class Counts:
    """How far batches have come, for a page of many that is fetched again and again: to count is to walk through every message of a
    batch. Of one that is over little changes, ever more rarely: it is counted again after a twentieth of the time since."""

    _MOST: Final = 500

    def __init__(self) -> None:
        self._kept: dict[uuid.UUID, tuple[datetime, Progress]] = {}

    def of(self, tx: Connection, batch: BatchRow, now: datetime) -> tuple[datetime, Progress]:
        """As of when, and how far."""
        if batch.state not in OVER or batch.ended_at is None:
            return now, progress(tx, batch)
        kept = self._kept.get(batch.id)
        if kept is None or now - kept[0] >= (kept[0] - batch.ended_at) / 20:
            if len(self._kept) >= self._MOST:
                self._kept.clear()
            kept = self._kept[batch.id] = now, progress(tx, batch)
        return kept


def sample(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime, office: Office) -> Sequence[Case]:
    """The first people of the list, and what the batch would do with each. Logged, a row a person."""
    batch = required(tx, viewer, batch_id)
    people = store.candidates(tx, batch.list_id, batch.area, 0, SAMPLE)
    cases = []
    for debtor_id in people:
        person = debtors.person(tx, viewer, debtor_id)
        if person is not None:
            choice = sms_batches.look(tx, viewer, batch, debtor_id, now, office)
            cases.append(Case(debtor_id, person.name, choice.phone.number if choice.phone else None, choice.reason))
    access_log.append_each(tx, viewer, now, "sms.sample", [case.debtor_id for case in cases], batch.settings.name)
    return cases


def results(tx: Connection, batch: BatchRow) -> Results:
    """What came of a batch. Names nobody."""
    routes: dict[str, Counter[SmsState]] = {}
    hours: dict[datetime, Counter[SmsState]] = {}
    sent = store.outcomes(tx, batch.id)
    for one in sent:
        routes.setdefault(one.route, Counter())[one.state] += one.count
        hours.setdefault(office_time(one.hour), Counter())[one.state] += one.count
    first = min((one.hour for one in sent), default=None)
    called = [at - out for out, at in store.call_backs(tx, batch.id)]
    paid = _first_payments(tx, batch, first) if first is not None else []
    reached = sum(one.count for one in sent if one.state is not SmsState.FAILED)
    return Results(
        routes=dict(sorted(routes.items())),
        hours=dict(sorted(hours.items())),
        sent=reached,
        called={days: sum(after <= timedelta(days=days) for after in called) for days in DAYS},
        paid={days: sum(after <= days for after in paid) for days in DAYS},
    )


def _first_payments(tx: Connection, batch: BatchRow, first: datetime) -> list[int]:
    """Of each person who paid after the message: how many days later."""
    soonest: dict[int, int] = {}
    for out, paid_on, debtor_id in store.payments(tx, batch, first - timedelta(days=1)):
        after = _days_between(office_time(out).date(), paid_on)
        if after >= 0:
            soonest[debtor_id] = min(after, soonest.get(debtor_id, after))
    return list(soonest.values())


def _days_between(earlier: date, later: date) -> int:
    return (later - earlier).days


def _must_be(batch: BatchRow, state: BatchState) -> None:
    if batch.state is not state:
        raise BatchError("state", f"この一括送信は「{batch.state.label}」です。画面を開き直してください。")


def _enter(
    tx: Connection, viewer: Viewer, batch: BatchRow, state: BatchState, now: datetime, action: str
) -> None:  # fmt: skip
    tx.execute(update(SmsBatch).where(SmsBatch.id == batch.id).values(state=state))
    publish(tx, now, STATES, batch.id)
    _tell(tx, viewer, batch.id, now, action, f"「{batch.settings.name}」")


def _tell(tx: Connection, viewer: Viewer, batch_id: uuid.UUID, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, detail=f"{detail} {batch_id}")
    publish(tx, now, TOPIC, batch_id)
