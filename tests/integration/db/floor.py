"""A supervisor with a running campaign, operators on it, and what a bridge does to its calls, for tests of campaigns."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from db.rules.campaigns import CampaignSettings, TargetOrder
from db.rules.conditions import Amount
from db.rules.telephony import DialMode, EndedBy
from db.rules.terms import Area
from db.schema.campaigns import CampaignTarget
from db.schema.people import Debtor
from db.store import summaries
from db.usecases import calls, campaign_targets, campaigns, duty, targets
from db.usecases import campaign_desk as desk
from db.usecases.campaigns import Claimed
from tests.integration.db.people import NOW, OFFICE, SmallOffice

SOON = timedelta(seconds=5)
HOUR = timedelta(hours=1)
SETTINGS = CampaignSettings(name="秋の催告", mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT)


class Floor:
    """A supervisor with a running campaign over everybody, and operators who have joined it."""

    def __init__(self, small: SmallOffice) -> None:
        self.small, self.database = small, small.database
        self.boss = small.user("boss", "supervisor")

    def people(self, count: int, **values: Any) -> list[int]:
        """Debtors who owe less and less."""
        first = self.small.made
        each = range(first + 1, first + count + 1)
        return [
            self.small.debtor(**{"owes": 900_000 - 1_000 * n, "phone": f"+8190{n:08d}", "name": f"見本 {n}", **values})
            for n in each
        ]

    def list_of(self, low: int = 1, name: str = "名簿") -> uuid.UUID:
        with self.database.write() as tx:
            summaries.refresh(tx, list(tx.execute(select(Debtor.id)).scalars()), OFFICE.today(NOW))
            return targets.freeze(tx, self.boss, Amount(low=low), name, None, NOW, OFFICE)

    def run(self, settings: CampaignSettings = SETTINGS, lists: dict[uuid.UUID, int] | None = None) -> uuid.UUID:
        lists = lists or {self.list_of(): 1}
        with self.database.write() as tx:
            campaign_id = desk.make(tx, self.boss, Area.TAX, settings, lists, NOW, OFFICE)
            desk.start(tx, self.boss, campaign_id, NOW)
        return campaign_id

    def operator(self, name: str, seat: str, campaign_id: uuid.UUID | None = None, since: datetime = NOW) -> Any:
        viewer = self.small.user(name)
        self.small.seat(seat)
        with self.database.write() as tx:
            leg = duty.take_seat(tx, viewer, seat, since).leg_id
            duty.leg_answered(tx, leg, since)
            if campaign_id is not None:
                desk.join(tx, viewer, campaign_id, since)
        return viewer

    def claim(self, campaign_id: uuid.UUID, count: int = 10, now: datetime = NOW) -> list[Claimed]:
        with self.database.write() as tx:
            return campaigns.claim(tx, campaign_id, count, now, OFFICE)

    def authorize(self, attempt_id: uuid.UUID, now: datetime = NOW + SOON, most: int = 0) -> bool:
        with self.database.write() as tx:
            return bool(campaigns.authorize_campaign(tx, [attempt_id], now, OFFICE, most))

    def dial(self, campaign_id: uuid.UUID, now: datetime = NOW) -> Claimed:
        (claimed,) = self.claim(campaign_id, 1, now)
        assert self.authorize(claimed.attempt_id, now)
        return claimed

    def end(self, attempt_id: uuid.UUID, cause: int | None, now: datetime = NOW + 6 * SOON) -> None:
        with self.database.write() as tx:
            calls.ended(tx, attempt_id, now, cause, by=EndedBy.PERSON if cause == 16 else None)
            campaign_targets.campaign_ended(tx, [attempt_id], now, OFFICE)

    def give(self, attempt_id: uuid.UUID, now: datetime = NOW + 2 * SOON) -> str | None:
        with self.database.write() as tx:
            given = campaigns.give_answered(tx, attempt_id, now)
            return given.seat if given else None

    def abandon(self, attempt_id: uuid.UUID, now: datetime = NOW + 2 * SOON) -> None:
        with self.database.write() as tx:
            campaign_targets.abandoned(tx, attempt_id, now)

    def target(self, debtor_id: int) -> Any:
        with self.database.read() as tx:
            return tx.execute(select(CampaignTarget).where(CampaignTarget.debtor_id == debtor_id)).one()

    def one(self, query: Any) -> Any:
        with self.database.read() as tx:
            return tx.execute(query).scalar_one()

    def do(self, act: Callable[..., Any], *values: Any) -> Any:
        with self.database.write() as tx:
            return act(tx, *values)
