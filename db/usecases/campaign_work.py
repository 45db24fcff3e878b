"""An operator's work with campaigns (T4): the next person, the call, passing over; and dialling by itself, one line an operator.

In modes manual and preview a person is reserved for the operator, who looks at the record and then calls or passes them over. In
mode progressive `dial_next` places the call of whoever is ready, over the way of a click, so that the bridge needs nothing for
it. Whoever a caller who waits will get is left alone.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from db.outbox import publish
from db.rules.campaigns import CampaignState, Next, TargetState
from db.rules.telephony import DialMode, DutyState
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import access_log, calls
from db.store import campaigns as store
from db.store.calls import CallRow
from db.store.campaigns import CampaignRow, TargetRow
from db.usecases import calls as placing
from db.usecases import giving
from db.usecases.campaign_desk import TOPIC, CampaignError, is_for
from db.usecases.campaign_queue import choose
from db.usecases.campaign_targets import Work, claim_each, put, work_of, write
from db.usecases.campaigns import begin
from db.usecases.duty import DutyError
from db.usecases.office import Office

RESERVED_FOR: Final[Mapping[DialMode, timedelta]] = {
    DialMode.MANUAL: timedelta(minutes=30),
    DialMode.PREVIEW: timedelta(minutes=5),
}
"""The modes in which an operator takes one person after the other, and how long one stays reserved before a call."""
PASS_OVER: Final = ("内容の確認が必要", "別の担当者が対応中", "連絡の時間帯を変える", "その他")


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign that the viewer may work on. `takes`: the viewer takes the next person by hand."""

    id: uuid.UUID
    name: str
    area: Area
    mode: DialMode
    state: CampaignState
    joined: bool

    @property
    def takes(self) -> bool:
        """Whether there is a next person to be taken."""
        return self.joined and self.state is CampaignState.RUNNING and self.mode in RESERVED_FOR


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a campaign who is reserved for the viewer, or on the line with them (`until` None)."""

    campaign_id: uuid.UUID
    name: str
    mode: DialMode
    script: str
    debtor_id: int
    area: Area
    tries: int
    until: datetime | None
    reasons: Sequence[str] = PASS_OVER


def offers(tx: Connection, viewer: Viewer) -> list[Offer]:
    """The campaigns that run or rest and that the viewer may work on; those joined first."""
    mine = set(store.joined(tx, viewer.user_id))
    there = [row for row in store.listed(tx, viewer.areas(Right.CALL), _AT_WORK) if is_for(viewer, row)]
    found = [
        Offer(row.id, row.settings.name, row.area, row.settings.mode, row.state, row.id in mine) for row in there
    ]  # fmt: skip
    return sorted(found, key=lambda one: not one.joined)


def reserved(tx: Connection, viewer: Viewer) -> Person | None:
    """Who is reserved for the viewer."""
    found = store.reserved_for(tx, viewer.user_id, store.joined(tx, viewer.user_id))
    return next((_person(store.get(tx, key), target) for key, target in found), None)


def concerning(tx: Connection, viewer: Viewer, debtor_id: int, call: CallRow | None) -> Person | None:
    """What the record says of a campaign: the person is reserved for the viewer, or the viewer's call is of one."""
    if call is None:
        found = reserved(tx, viewer)
        return found if found is not None and found.debtor_id == debtor_id else None
    return of_call(tx, call)


def of_call(tx: Connection, call: CallRow) -> Person | None:
    """The campaign that a call belongs to."""
    campaign_id = store.of_attempt(tx, call.id)
    if campaign_id is None or call.debtor_id is None:
        return None
    row = store.get(tx, campaign_id)
    settings = row.settings
    target = store.target(tx, campaign_id, call.debtor_id, call.area)
    tries = target.tries if target is not None else 0
    return Person(row.id, settings.name, settings.mode, settings.script, call.debtor_id, call.area, tries, until=None)


def next_person(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime, office: Office) -> Person:
    """Reserve the next person of a campaign for the viewer; whoever is reserved already comes first.

    Raises CampaignError with the sentence why there is nobody.
    """
    if (already := reserved(tx, viewer)) is not None and (already.until or now) > now:
        return already
    campaign = store.find(tx, campaign_id)
    if campaign is None or campaign_id not in store.joined(tx, viewer.user_id) or not is_for(viewer, campaign):
        raise CampaignError("not_joined", "このキャンペーンに参加していません。先に参加してください。")
    on_duty = calls.duty(tx, viewer.user_id)
    if on_duty is None or on_duty.state is not DutyState.READY:
        raise CampaignError("not_ready", "待機中ではないため、次の方を開けません。")
    if campaign.settings.mode not in RESERVED_FOR:
        raise CampaignError("by_itself", "このキャンペーンは自動で発信されます。待機してください。")
    found = _reserve(tx, viewer, campaign_id, now, office)
    if found is None:
        raise CampaignError("nobody", _why_nobody(tx, campaign, now, office))
    return found


def go_on(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Person | None:
    """The next person after a result was saved: of the campaigns that the viewer takes people of by hand, if they are ready."""
    on_duty = calls.duty(tx, viewer.user_id)
    if on_duty is None or on_duty.state is not DutyState.READY:
        return None
    for offer in offers(tx, viewer):
        if offer.takes and (found := reserved(tx, viewer) or _reserve(tx, viewer, offer.id, now, office)):
            return found
    return None


def place(
    tx: Connection, viewer: Viewer, debtor_id: int, phone_id: int, area: Area, now: datetime, office: Office, *,
    deliberate: bool = False,
) -> uuid.UUID:  # fmt: skip
    """A click: `calls.place_call`, for the campaign that has reserved the person for the viewer, if one has."""
    person = reserved(tx, viewer)
    if person is None or (person.debtor_id, person.area) != (debtor_id, area):
        return placing.place_call(tx, viewer, debtor_id, phone_id, area, now, office, deliberate=deliberate)
    attempt_id = placing.place_call(
        tx, viewer, debtor_id, phone_id, area, now, office,
        deliberate=deliberate, mode=person.mode, campaign_id=person.campaign_id,
    )  # fmt: skip
    work = work_of(tx, store.get(tx, person.campaign_id), now, office)
    write(tx, work, debtor_id, area, attempt_id=attempt_id, due_at=None)
    return attempt_id


def pass_over(tx: Connection, viewer: Viewer, reason: str, now: datetime, office: Office) -> None:
    """Pass over whoever is reserved for the viewer, until the next day. Raises CampaignError."""
    person = reserved(tx, viewer)
    if person is None:
        raise CampaignError("nobody", "予約されている方はいません。")
    if reason not in PASS_OVER:
        raise CampaignError("reason", "見送りの理由を選んでください。", {"reason": "見送りの理由を選んでください。"})
    work = work_of(tx, store.get(tx, person.campaign_id), now, office)
    later = Next(TargetState.OPEN, work.days.opening(now, later_day=True), "skipped")
    put(tx, work, person.debtor_id, person.area, later)
    access_log.append(tx, viewer, now, "campaign.skip", debtor_id=person.debtor_id, detail=reason)
    publish(tx, now, TOPIC, person.campaign_id)


def is_waited_for(tx: Connection) -> bool:
    """Whether somebody is ready whom `dial_next` could serve: a short look, that writes nothing."""
    return any(
        _progressive(row) and store.operators(tx, row.id) & _ready(tx, row.settings.pbx) for row in store.running(tx)
    )


def dial_next(tx: Connection, now: datetime, office: Office) -> bool:
    """Place the call of one operator who is ready in a progressive campaign; False if there is nothing to do."""
    return any(dial_reserved(tx, row.id, now, office) for row in store.running(tx) if _progressive(row))


def dial_reserved(tx: Connection, campaign_id: uuid.UUID, now: datetime, office: Office) -> bool:
    """Place a campaign's next call for one operator who is ready, and reserved by it: whoever answers is joined to them without the
    bridge. False if there is nothing to do."""
    work = begin(tx, campaign_id, now, office)
    if work is None:
        return False
    row, joined = work.campaign, store.operators(tx, campaign_id)
    left = giving.left_over(tx, row.settings.pbx, joined)
    return any(is_for(viewer, row) and _dial_for(tx, work, viewer) for _, viewer in left)


# --

_AT_WORK: Final = (CampaignState.RUNNING, CampaignState.PAUSED)


def _reserve(tx: Connection, viewer: Viewer, campaign_id: uuid.UUID, now: datetime, office: Office) -> Person | None:
    work = begin(tx, campaign_id, now, office)
    if work is None:
        return None
    found = None
    for [(target, _)] in choose(tx, work, 1):
        until = now + RESERVED_FOR[work.campaign.settings.mode]
        held = {"state": TargetState.CLAIMED, "user_id": viewer.user_id, "due_at": until, "reason": "", "since": now}
        write(tx, work, target.debtor_id, target.area, **held)
        access_log.append(
            tx, viewer, now, "campaign.take", debtor_id=target.debtor_id, detail=f"「{work.campaign.settings.name}」"
        )
        found = store.target(tx, campaign_id, target.debtor_id, target.area)
    publish(tx, now, "duty", viewer.user_id, viewer.user_id)
    return _person(work.campaign, found) if found else None


def _dial_for(tx: Connection, work: Work, viewer: Viewer) -> bool:
    """Call the next person for an operator; what stands against it is put down, and the next look is for another."""
    done = False
    for [(target, choice)] in choose(tx, work, 1):
        try:
            with tx.begin_nested():
                attempt_id = placing.place_call(
                    tx, viewer, target.debtor_id, choice.phone.id, target.area, work.now, work.office,
                    mode=DialMode.PROGRESSIVE, campaign_id=work.campaign.id,
                )  # fmt: skip
        except (placing.CallError, DutyError):
            put(tx, work, target.debtor_id, target.area, Next(TargetState.OPEN, work.now + _A_WHILE, "refused"))
            continue
        claim_each(tx, work, [(target, attempt_id)])
        done = True
    return done


_A_WHILE: Final = timedelta(minutes=5)


def _why_nobody(tx: Connection, campaign: CampaignRow, now: datetime, office: Office) -> str:
    work = work_of(tx, campaign, now, office)
    if campaign.state is not CampaignState.RUNNING:
        return f"キャンペーンは{campaign.state.label}です。"
    if not work.is_open:
        return f"キャンペーンの時間外です（{campaign.settings.opens:%H:%M}～{campaign.settings.closes:%H:%M}）。"
    return "いま架電できる方がいません。少し待ってから、もう一度操作してください。"


def _progressive(row: CampaignRow) -> bool:
    return row.settings.mode is DialMode.PROGRESSIVE


def _ready(tx: Connection, pbx: str) -> set[int]:
    return {one.user_id for one in calls.duties(tx, pbx) if one.state is DutyState.READY and one.leg_up}


def _person(campaign: CampaignRow, target: TargetRow) -> Person:
    settings = campaign.settings
    return Person(
        campaign.id, settings.name, settings.mode, settings.script, target.debtor_id, target.area, target.tries,
        target.due_at,
    )  # fmt: skip
