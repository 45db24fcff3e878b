"""What supervisors and operators do with campaigns (T4): make, change, start, pause, stop, join, leave, and the figures.

Whoever runs campaigns needs the right for it in the campaign's area; whoever joins one, the right to telephone there. Every
change stands in the access log, with what was changed.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from db.outbox import publish
from db.rules.campaigns import (
    LABELS,
    NAME_LENGTH,
    CampaignSettings,
    CampaignState,
    TargetState,
    problems,
    retry_to_json,
)
from db.rules.telephony import AttemptState, DialMode, DutyState
from db.rules.terms import Area, Right, Term
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Attempt
from db.schema.campaigns import Campaign, CampaignList, CampaignOperator, CampaignTarget
from db.schema.contacts import Disposition
from db.store import access_log
from db.store import campaigns as store
from db.store.calls import seats
from db.store.campaigns import CampaignRow
from db.usecases import calls, campaigns, targets
from db.usecases.commands import CommandKind, want, withdraw
from db.usecases.office import Office
from db.usecases.policies import policy_of

TOPIC: Final = "campaign"
HEAVIEST: Final = 9
"""The highest weight of a list."""


class CampaignError(Exception):
    """A campaign cannot be set or used so; `fields` says what is wrong with each entry, the message is for all of them."""

    def __init__(self, code: str, message: str, wrong: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fields = dict(wrong or {})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign has come, in cases; of a draft, `open` are those that its start would bring. `due`: open ones that could
    be looked at now.

    `results`: done and given up, by the name of the last result; `skipped`: by the code of the reason (for `reason_words`),
    of open ones that were put off, of done ones and of those given up. `answered`, `abandoned`: people, today;
    `dialled`: in the last hour.
    """

    open: int
    due: int
    claimed: int
    done: int
    given_up: int
    results: Mapping[str, int]
    skipped: Mapping[str, int]
    answered: int
    abandoned: int
    dialled: int
    ready: int
    joined: int

    @property
    def abandonment(self) -> float:
        """The share of today's answered people who found nobody."""
        return self.abandoned / self.answered if self.answered else 0.0


def make(
    tx: Connection, viewer: Viewer, area: Area, settings: CampaignSettings, lists: Mapping[uuid.UUID, int],
    now: datetime, office: Office,
) -> uuid.UUID:  # fmt: skip
    """Make a campaign over some lists, each with its weight. Raises CampaignError, NotAllowedError, SavedError."""
    viewer.require(Right.CAMPAIGN_RUN, area)
    _check(tx, viewer, area, settings, lists, office)
    campaign_id = new_id()
    who = {"made_by": viewer.user_id, "made_at": now, "changed_by": viewer.user_id, "changed_at": now}
    tx.execute(
        insert(Campaign).values(id=campaign_id, area=area, state=CampaignState.DRAFT, **who, **_values(settings))
    )
    _set_lists(tx, campaign_id, lists)
    _tell(tx, viewer, campaign_id, now, "campaign.make", f"「{settings.name}」{settings.mode.label}")
    return campaign_id


def change(
    tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, settings: CampaignSettings, lists: Mapping[uuid.UUID, int],
    now: datetime, office: Office,
) -> None:  # fmt: skip
    """Set a campaign anew; it is in force from the next dial on. A list that came later is worked off from the next start."""
    campaign = required(tx, viewer, campaign_id, lock=True)
    if campaign.state is CampaignState.STOPPED:
        raise CampaignError("stopped", "終了したキャンペーンは変更できません。")
    before = {list_id: weight for list_id, (weight, _) in store.lists(tx, campaign_id).items()}
    _check(tx, viewer, campaign.area, settings, lists, office, known=set(before))
    if campaign.state is not CampaignState.DRAFT and set(before) - set(lists):
        raise CampaignError("lists", "入力内容を確認してください。", {"lists": "開始後は名簿を外せません。"})
    values = {"changed_by": viewer.user_id, "changed_at": now, **_values(settings)}
    tx.execute(update(Campaign).where(Campaign.id == campaign_id).values(values))
    _set_lists(tx, campaign_id, lists)
    changes = list(_differences(campaign.settings, settings))
    if before != dict(lists):
        changes.append("名簿と比重")
    _tell(tx, viewer, campaign_id, now, "campaign.change", f"「{settings.name}」{'、'.join(changes)}")


def start(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime, *, again: bool = False) -> int:
    """Let a campaign dial; returns how many cases came onto its queue now. `again`: also whoever was done or given up."""
    campaign = required(tx, viewer, campaign_id, lock=True)
    if campaign.state is CampaignState.STOPPED:
        raise CampaignError("stopped", "終了したキャンペーンは再開できません。新しいキャンペーンを作成してください。")
    lists = store.lists(tx, campaign_id)
    heaviest_first = sorted(lists, key=lambda one: (-lists[one][0], one))
    filled = sum(store.fill(tx, campaign, list_id, now) for list_id in heaviest_first)
    if again:
        over = update(CampaignTarget).where(
            CampaignTarget.campaign_id == campaign_id,
            CampaignTarget.state.in_((TargetState.DONE, TargetState.GIVEN_UP)),
        )
        anew = {"state": TargetState.OPEN, "due_at": None, "tries": 0, "reason": "", "since": now}
        filled += tx.execute(over.values(anew)).rowcount
    _enter(tx, campaign_id, CampaignState.RUNNING)
    _tell(tx, viewer, campaign_id, now, "campaign.start", f"「{campaign.settings.name}」追加{filled:,}件")
    return filled


def pause(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime) -> int:
    """Let a campaign rest; returns how many dials were taken back before they were sent. Talks go on."""
    campaign = required(tx, viewer, campaign_id, lock=True)
    if campaign.state is not CampaignState.RUNNING:
        raise CampaignError("not_running", "実施中のキャンペーンではありません。")
    _enter(tx, campaign_id, CampaignState.PAUSED)
    taken = _take_back(tx, campaign_id, now)
    _tell(tx, viewer, campaign_id, now, "campaign.pause", f"「{campaign.settings.name}」取り消した発信{taken}件")
    return taken


def stop(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime) -> int:
    """End a campaign for good; returns how many dials were taken back. Whoever is still open stays recorded as such."""
    campaign = required(tx, viewer, campaign_id, lock=True)
    if campaign.state is CampaignState.STOPPED:
        return 0
    _enter(tx, campaign_id, CampaignState.STOPPED)
    taken = _take_back(tx, campaign_id, now)
    _let_go(tx, viewer, campaign_id, now)
    tx.execute(delete(CampaignOperator).where(CampaignOperator.campaign_id == campaign_id))
    _tell(tx, viewer, campaign_id, now, "campaign.stop", f"「{campaign.settings.name}」取り消した発信{taken}件")
    return taken


def join(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime) -> None:
    """Work on a campaign from now on. Raises CampaignError, NotAllowedError."""
    campaign = store.find(tx, campaign_id)
    if campaign is None or not is_for(viewer, campaign):
        raise CampaignError("no_such_campaign", "参加できるキャンペーンではありません。")
    if campaign.state is CampaignState.STOPPED:
        raise CampaignError("stopped", "このキャンペーンは終了しました。")
    if put_on(tx, campaign_id, viewer.user_id, now):
        access_log.append(tx, viewer, now, "campaign.join", detail=f"「{campaign.settings.name}」 {campaign_id}")


def leave(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime) -> None:
    """Work on a campaign no more; whoever was reserved for the viewer is free for others."""
    if take_off(tx, campaign_id, viewer.user_id, now):
        access_log.append(tx, viewer, now, "campaign.leave", detail=str(campaign_id))


def put_on(tx: Connection, campaign_id: uuid.UUID, user_id: int, now: datetime) -> bool:
    """Let an operator work on a campaign; whether that is new. Whoever asks has the right, and writes the log."""
    if user_id in store.operators(tx, campaign_id):
        return False
    tx.execute(insert(CampaignOperator).values(campaign_id=campaign_id, user_id=user_id, since=now))
    publish(tx, now, TOPIC, campaign_id)
    return True


def take_off(tx: Connection, campaign_id: uuid.UUID, user_id: int, now: datetime) -> bool:
    """Take an operator off a campaign, and free whoever was reserved for them; whether they were on it."""
    theirs = (CampaignOperator.campaign_id == campaign_id, CampaignOperator.user_id == user_id)
    if not tx.execute(delete(CampaignOperator).where(*theirs)).rowcount:
        return False
    reserved = update(CampaignTarget).where(
        CampaignTarget.campaign_id == campaign_id,
        CampaignTarget.state == TargetState.CLAIMED,
        CampaignTarget.attempt_id.is_(None),
        CampaignTarget.user_id == user_id,
    )
    tx.execute(reserved.values(state=TargetState.OPEN, due_at=now, user_id=None, since=now))
    publish(tx, now, TOPIC, campaign_id)
    return True


def is_for(viewer: Viewer, campaign: CampaignRow) -> bool:
    """Whether the viewer may work on a campaign."""
    group = campaign.settings.group_id
    return viewer.may(Right.CALL, campaign.area) and (group is None or group in viewer.group_ids)


def required(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, *, lock: bool = False) -> CampaignRow:
    """A campaign that the viewer runs; nobody learns of those of areas that are not theirs."""
    found = store.find(tx, campaign_id, lock=lock)
    if found is None or found.area not in viewer.areas():
        raise CampaignError("no_such_campaign", "該当するキャンペーンがありません。")
    viewer.require(Right.CAMPAIGN_RUN, found.area)
    return found


def progress(tx: Connection, campaign: CampaignRow, now: datetime, office: Office) -> Progress:
    """How far a campaign has come. Names nobody."""
    states: dict[TargetState, int] = dict.fromkeys(TargetState, 0)
    results: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for state, reason, result, count in store.figures(tx, campaign.id):
        states[state] += count
        if result and state in {TargetState.DONE, TargetState.GIVEN_UP}:
            results[result] = results.get(result, 0) + count
        if reason:
            skipped[reason] = skipped.get(reason, 0) + count
    answered, abandoned = store.ledger(tx, campaign.id, office.today(now))
    on_duty = campaigns.agents(tx, campaign.id)
    return Progress(
        open=states[TargetState.OPEN] or (store.to_come(tx, campaign) if campaign.state is CampaignState.DRAFT else 0),
        due=store.due_now(tx, campaign.id, now),
        claimed=states[TargetState.CLAIMED],
        done=states[TargetState.DONE],
        given_up=states[TargetState.GIVEN_UP],
        results=_named(tx, results),
        skipped=dict(sorted(skipped.items(), key=lambda one: -one[1])),
        answered=answered,
        abandoned=abandoned,
        dialled=store.dialled_since(tx, campaign.id, now - timedelta(hours=1)),
        ready=sum(one.state is DutyState.READY for one in on_duty),
        joined=len(on_duty),
    )


# --


def _check(
    tx: Connection, viewer: Viewer, area: Area, settings: CampaignSettings, lists: Mapping[uuid.UUID, int],
    office: Office, *, known: set[uuid.UUID] | None = None,
) -> None:  # fmt: skip
    """Lists that are `known` are in the campaign already, even if they are another's and no longer shared."""
    wrong = problems(settings, policy_of(tx, area, office))
    if settings.group_id is not None and settings.group_id not in viewer.group_ids:
        wrong["group_id"] = "自分の所属するグループを選んでください。"
    if settings.pbx not in ({seat.pbx for seat in seats(tx)} or {settings.pbx}):
        wrong["pbx"] = "このPBXには席がありません。"
    if not lists:
        wrong["lists"] = "名簿を1つ以上選んでください。"
    elif any(not 1 <= weight <= HEAVIEST for weight in lists.values()):
        wrong["lists"] = f"名簿の比重は1～{HEAVIEST}の数字で入力してください。"
    for list_id in lists:
        if list_id not in (known or set()):
            targets.one(tx, viewer, list_id)
    if wrong:
        raise CampaignError("settings", "入力内容を確認してください。", wrong)


def _differences(old: CampaignSettings, new: CampaignSettings) -> Iterator[str]:
    """What changes, in words; long ones by their name only."""
    for name, label in LABELS.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            is_short = isinstance(after, int | float | str | time) and len(str(after)) <= NAME_LENGTH
            yield f"{label} {_word(before)}→{_word(after)}" if is_short else label


def _word(value: object) -> str:
    if isinstance(value, Term):
        return value.label
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _values(settings: CampaignSettings) -> dict[str, Any]:
    kept = {one.name: getattr(settings, one.name) for one in fields(settings)}
    for name in ("soon_minutes", "later_minutes", "retries"):
        del kept[name]
    days = sum(1 << day for day in settings.days)
    return kept | {"name": settings.name.strip(), "days": days, "retry": retry_to_json(settings)}


def _set_lists(tx: Connection, campaign_id: uuid.UUID, lists: Mapping[uuid.UUID, int]) -> None:
    there = store.lists(tx, campaign_id)
    gone = delete(CampaignList).where(CampaignList.campaign_id == campaign_id, CampaignList.list_id.not_in(list(lists)))
    tx.execute(gone)
    for list_id, weight in lists.items():
        row = (CampaignList.campaign_id == campaign_id, CampaignList.list_id == list_id)
        if list_id in there:
            tx.execute(update(CampaignList).where(*row).values(weight=weight))
        else:
            tx.execute(insert(CampaignList).values(campaign_id=campaign_id, list_id=list_id, weight=weight, taken=0))


def _enter(tx: Connection, campaign_id: uuid.UUID, state: CampaignState) -> None:
    tx.execute(update(Campaign).where(Campaign.id == campaign_id).values(state=state))


def _take_back(tx: Connection, campaign_id: uuid.UUID, now: datetime) -> int:
    """Give up what was prepared and not sent. What a bridge has in hand already is refused by the last question."""
    rows = tx.execute(
        select(Attempt.id, Attempt.pbx, Attempt.mode)
        .where(Attempt.campaign_id == campaign_id, Attempt.state == AttemptState.PREPARED)
        .order_by(Attempt.id)
        .with_for_update()
    ).all()
    taken = 0
    for row in rows:
        if row.mode is DialMode.PREDICTIVE or withdraw(tx, row.pbx, CommandKind.PLACE, row.id, now):
            calls.refuse(tx, row.id, now, calls.CAMPAIGN_AT_REST)
            taken += 1
    return taken


def _let_go(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime) -> None:
    """End what rings and is nobody's call yet; an operator's own dial goes on."""
    rings = (AttemptState.SENT, AttemptState.RINGING)
    query = select(Attempt.id, Attempt.pbx).where(Attempt.campaign_id == campaign_id, Attempt.state.in_(rings))
    for row in tx.execute(query.where(Attempt.mode == DialMode.PREDICTIVE).order_by(Attempt.id)).all():
        want(tx, row.pbx, CommandKind.HANG_UP, row.id, viewer.user_id, now)


def _named(tx: Connection, results: Mapping[str, int]) -> dict[str, int]:
    names: dict[str, str] = {row.code: row.name for row in tx.execute(select(Disposition.code, Disposition.name))}
    found = {names.get(code, code): count for code, count in results.items()}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _tell(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime, action: str, detail: str) -> None:
    access_log.append(tx, viewer, now, action, detail=f"{detail} {campaign_id}".strip())
    publish(tx, now, TOPIC, campaign_id)
