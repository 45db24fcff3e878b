"""The live floor (T14): what a supervisor sees of operators, calls and campaigns, and what they should look at.

It says of a call its area, its direction and its campaign, never whose it is: so it is no view of a person.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from db.rules.campaigns import CampaignState
from db.rules.telephony import LIVE_CALLS, CallState, DialMode, DutyState
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.store import access_log, incoming, monitors
from db.store import campaigns as campaign_store
from db.store import floor as store
from db.store.campaigns import CampaignRow
from db.store.floor import Dials, FloorRow, Reached
from db.store.incoming import Queue
from db.store.monitors import MonitorRow
from db.usecases.office import Office

LONG_WAIT: Final = timedelta(minutes=1)
LONG_WRAP_UP: Final = timedelta(minutes=5)
SILENCE: Final = timedelta(seconds=45)
"""The bridge says every ten seconds that it has its PBX."""
NEAR_CAP: Final = 0.8
"""The share of the cap of abandonment from which it is near."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody on duty. `area` is None without a call, and for a call of an area that is not the viewer's. `heard_by`: the
    supervisors who take part in the call."""

    row: FloorRow
    area: Area | None
    campaigns: Sequence[CampaignRow]
    heard_by: Sequence[MonitorRow] = ()

    @property
    def since(self) -> datetime:
        """From when the seconds of the state are counted."""
        if self.row.call in LIVE_CALLS:
            return self.row.joined_at or self.row.started_at or self.row.since
        return self.row.ended_at or self.row.since

    @property
    def talks(self) -> bool:
        """Whether somebody is on the line with them."""
        return self.row.call in {CallState.TALKING, CallState.HELD}


@dataclass(frozen=True, slots=True)
class Pace:
    """A running campaign: people left, dials of the last hour, people of today who answered and who found nobody."""

    campaign: CampaignRow
    left: int
    dialled: int
    answered: int
    abandoned: int
    ready: int
    joined: int

    @property
    def abandonment(self) -> float:
        """The share of today's answered people who found nobody."""
        return self.abandoned / self.answered if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look at, in words. `grave`: people are harmed, or nothing goes on."""

    words: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor at a moment. `look_at`: when it says something else though nothing has happened."""

    operators: Sequence[Operator]
    queue: Queue
    dials: Dials
    campaigns: Sequence[Pace]
    today: Reached
    hour: Reached
    alerts: Sequence[Alert]
    look_at: datetime | None

    def count(self, *states: DutyState) -> int:
        """How many operators are in some states."""
        return sum(one.row.state in states for one in self.operators)

    @property
    def talking(self) -> int:
        """How many operators have somebody on the line."""
        return sum(one.talks for one in self.operators)


def open_floor(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Floor:
    """The floor of the viewer's areas; that it was opened stands in the access log."""
    found = see(tx, viewer, now, office)
    access_log.append(tx, viewer, now, "floor.view", detail=f"オペレーター{len(found.operators)}人")
    return found


def see(tx: Connection, viewer: Viewer, now: datetime, office: Office) -> Floor:
    """The floor as it is fetched again. Raises NotAllowedError."""
    viewer.require(Right.FLOOR_VIEW)
    areas = viewer.areas(Right.FLOOR_VIEW)
    running = campaign_store.listed(tx, areas, (CampaignState.RUNNING,))
    resting = campaign_store.listed(tx, areas, (CampaignState.PAUSED,))
    operators = _operators(tx, areas, [*running, *resting])
    queue, dials = incoming.queue(tx, areas), store.dials(tx, areas)
    paces = _paces(tx, running, operators, now, office)
    today, hour = store.reached(tx, areas, office.day_begins(now), now.replace(minute=0, second=0, microsecond=0))
    heard = store.heard(tx)
    return Floor(
        operators, queue, dials, paces, today, hour,
        alerts=[*_of_bridges(heard, now), *_of_callers(queue, now), *_of_campaigns(paces), *_of_operators(operators, now)],
        look_at=min((at for at in _moments(operators, queue, heard) if at > now), default=None),
    )  # fmt: skip


# --


def _operators(tx: Connection, areas: frozenset[Area], campaigns: Sequence[CampaignRow]) -> list[Operator]:
    known = {row.id: row for row in campaigns}
    joined, heard = store.joined(tx, list(known)), monitors.by_operator(tx)
    return [
        Operator(
            row,
            row.area if row.area in areas else None,
            [known[one] for one in joined.get(row.user_id, ())],
            heard.get(row.user_id, ()),
        )
        for row in store.on_duty(tx, areas)
    ]


def _paces(
    tx: Connection, running: Sequence[CampaignRow], operators: Sequence[Operator], now: datetime, office: Office
) -> list[Pace]:
    left = store.left(tx, [row.id for row in running])
    return [_pace(tx, row, left, operators, now, office) for row in running]


def _pace(
    tx: Connection, row: CampaignRow, left: Mapping[uuid.UUID, int], operators: Sequence[Operator], now: datetime,
    office: Office,
) -> Pace:  # fmt: skip
    answered, abandoned = campaign_store.ledger(tx, row.id, office.today(now))
    dialled = campaign_store.dialled_since(tx, row.id, now - timedelta(hours=1))
    on_it = [one.row.state for one in operators if row in one.campaigns and one.row.pbx == row.settings.pbx]
    ready = sum(state is DutyState.READY for state in on_it)
    return Pace(row, left.get(row.id, 0), dialled, answered, abandoned, ready, len(on_it))


def _of_bridges(heard: Mapping[str, datetime | None], now: datetime) -> Iterator[Alert]:
    for pbx, until in heard.items():
        if until is None or until + SILENCE <= now:
            yield Alert(f"PBX「{pbx}」を扱うブリッジから応答がありません。発信も着信の接続もできません。", grave=True)


def _of_callers(queue: Queue, now: datetime) -> Iterator[Alert]:
    if queue.since is not None and queue.since + LONG_WAIT <= now:
        yield Alert("着信の方を1分以上お待たせしています。", grave=True)


def _of_campaigns(paces: Iterable[Pace]) -> Iterator[Alert]:
    for pace in paces:
        settings = pace.campaign.settings
        share = f"キャンペーン「{settings.name}」の本日の放棄呼率 {pace.abandonment:.1%}"
        if settings.mode is DialMode.PREDICTIVE and pace.abandonment >= settings.cap * NEAR_CAP:
            yield Alert(f"{share} が上限 {settings.cap:.1%} に近いか、超えています。", grave=True)
        elif settings.mode is DialMode.PREDICTIVE and pace.abandonment > settings.target_abandonment:
            yield Alert(f"{share} が目標 {settings.target_abandonment:.1%} を超えています。")
        if not pace.joined:
            yield Alert(f"キャンペーン「{settings.name}」に参加しているオペレーターがいません。")


def _of_operators(operators: Iterable[Operator], now: datetime) -> Iterator[Alert]:
    for one in operators:
        who = f"席{one.row.seat} {one.row.name}さん"
        if one.row.state is DutyState.PHONE_LOST or one.row.call is CallState.PARTED:
            yield Alert(f"{who}の電話機が切断されています。", grave=one.row.call is CallState.PARTED)
        if one.row.state is DutyState.WRAP_UP and one.since + LONG_WRAP_UP <= now:
            yield Alert(f"{who}の後処理が5分を超えています。")


def _moments(operators: Iterable[Operator], queue: Queue, heard: Mapping[str, datetime | None]) -> Iterator[datetime]:
    """When an alert comes, if nothing else does until then."""
    if queue.since is not None:
        yield queue.since + LONG_WAIT
    for until in heard.values():
        if until is not None:
            yield until + SILENCE
    for one in operators:
        if one.row.state is DutyState.WRAP_UP:
            yield one.since + LONG_WRAP_UP
