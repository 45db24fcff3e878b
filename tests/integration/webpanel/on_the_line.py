"""An operator who is on duty, and calls in whatever state a test needs, made by the use cases that the bridge calls."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import func, insert, select

from db.engine import Database
from db.rules.telephony import EndedBy
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.calls import Seat
from db.schema.people import Phone
from db.schema.staff import AccessLog
from db.usecases import calls, duty, identity, results
from db.usecases.results import Entry
from tests.integration.db.people import NOW, OFFICE, SmallOffice

SOON = timedelta(seconds=5)


class Place(Protocol):
    """Where an operator sits: a register with its small office (the panel of a test, or a browser test's city)."""

    database: Database
    small: SmallOffice


@dataclass
class OnTheLine:
    """One operator with one person's number."""

    panel: Place
    viewer: Viewer
    debtor_id: int
    area: Area = Area.TAX

    def take_seat(self, extension: str = "1001") -> None:
        """Go on duty; the phone is up."""
        with self.panel.database.write() as tx:
            if not tx.execute(select(Seat.extension).where(Seat.extension == extension)).first():
                tx.execute(insert(Seat).values(extension=extension, name="窓側", channel=f"PJSIP/{extension}"))
            taken = duty.take_seat(tx, self.viewer, extension, NOW)
            duty.leg_answered(tx, taken.leg_id, NOW)

    @property
    def phone_id(self) -> int:
        """The number on the record."""
        with self.panel.database.read() as tx:
            return tx.execute(
                select(Phone.id).where(Phone.debtor_id == self.debtor_id).order_by(Phone.id).limit(1)
            ).scalar_one()

    def place(self) -> uuid.UUID:
        """A click."""
        with self.panel.database.write() as tx:
            return calls.place_call(tx, self.viewer, self.debtor_id, self.phone_id, self.area, NOW, OFFICE)

    def talk(self) -> uuid.UUID:
        """Both hear each other."""
        self.take_seat()
        call_id = self.place()
        with self.panel.database.write() as tx:
            assert calls.authorize(tx, call_id, NOW + SOON, OFFICE)
            calls.ringing(tx, call_id, NOW + SOON)
            calls.joined(tx, call_id, NOW + 2 * SOON)
        return call_id

    def confirm(self, call_id: uuid.UUID) -> None:
        """The person proved who they are."""
        with self.panel.database.write() as tx:
            assert identity.confirm_identity(
                tx, self.viewer, call_id, kana="ヤマダ タロウ", birth_date="S55.5.3", address="見本町1-2-3", now=NOW,
                office=OFFICE,
            )  # fmt: skip

    def hang_up(self, call_id: uuid.UUID) -> None:
        """The person hung up."""
        with self.panel.database.write() as tx:
            calls.ended(tx, call_id, NOW + 10 * SOON, 16, by=EndedBy.PERSON)

    def save(self, call_id: uuid.UUID, disposition: str = "talked_self", note: str = "") -> uuid.UUID:
        """The result is recorded."""
        with self.panel.database.write() as tx:
            return results.record_result(
                tx, self.viewer, call_id, Entry(disposition, note=note), NOW + 11 * SOON, OFFICE
            )


def logged(panel: Place, action: str, debtor_id: int | None = None) -> int:
    """How many rows the access log has of an action (and person)."""
    query = select(func.count()).select_from(AccessLog).where(AccessLog.action == action)
    if debtor_id is not None:
        query = query.where(AccessLog.debtor_id == debtor_id)
    with panel.database.read() as tx:
        return tx.execute(query).scalar_one()
