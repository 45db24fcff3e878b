"""A small office for the register's tests: a few staff, seats and debtors, written row by row."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from db.engine import Database
from db.reference.kana import fold_kana, fold_name
from db.rules.terms import (
    AddressKind,
    Area,
    FlagKind,
    PersonKind,
    PhoneKind,
    PhoneOwner,
    PhoneStatus,
)
from db.rules.viewer import Viewer, system_viewer
from db.schema.calls import Seat
from db.schema.claims import Assessment, Installment
from db.schema.people import Address, CaseFile, Debtor, Flag, Phone
from db.store import staff
from db.usecases import accounts
from db.usecases.office import Office

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""A Tuesday, 10:30 in the office."""

OFFICE = Office(zone=ZoneInfo("Asia/Tokyo"))
ADMIN = system_viewer("test")


@dataclass
class SmallOffice:
    """Makes staff and people, and hands out viewers."""

    database: Database
    made: int = field(default=0)

    def user(
        self, login: str, level: str = "operator", areas: tuple[Area, ...] = (Area.TAX,), **values: bool
    ) -> Viewer:
        """A user with one level in some areas."""
        with self.database.write() as tx:
            user_id = accounts.add_user(
                tx,
                ADMIN,
                NOW,
                login=login,
                name=f"{login}さん",
                password_hash="-",
                must_change_password=False,
                **values,
            )
            accounts.grant(tx, ADMIN, NOW, user_id=user_id, level=level, areas=areas)
            found = staff.viewer(tx, user_id)
        assert found is not None
        return found

    def seat(self, extension: str = "1001") -> str:
        """A desk."""
        with self.database.write() as tx:
            tx.execute(insert(Seat).values(extension=extension, name=f"席{extension}", channel=f"PJSIP/{extension}"))
        return extension

    def debtor(
        self,
        name: str = "山田 太郎",
        kana: str = "ヤマダ タロウ",
        *,
        area: Area = Area.TAX,
        owes: int = 48_000,
        number: str = "",
        phone: str | None = "+819011112222",
        born: date | None = date(1980, 5, 3),
        flags: tuple[FlagKind, ...] = (),
        household: int | None = None,
        data_as_of: datetime = NOW - timedelta(hours=3),
    ) -> int:
        """A person with one case, one address, at most one phone, and one overdue installment."""
        self.made += 1
        with self.database.write() as tx:
            debtor_id = tx.execute(
                insert(Debtor)
                .values(
                    number=number or f"{self.made:010d}",
                    kind=PersonKind.PERSON,
                    name=name,
                    kana=kana,
                    name_folded=fold_name(name),
                    kana_folded=fold_kana(kana),
                    birth_date=born,
                    household_id=household,
                    data_as_of=data_as_of,
                )
                .returning(Debtor.id)
            ).scalar_one()
            tx.execute(insert(CaseFile).values(debtor_id=debtor_id, area=area))
            tx.execute(
                insert(Address).values(
                    debtor_id=debtor_id,
                    kind=AddressKind.REGISTERED,
                    postal_code="0000000",
                    town="見本町",
                    block="1丁目2番3号",
                    district="中央",
                )
            )
            for kind in flags:
                tx.execute(insert(Flag).values(debtor_id=debtor_id, kind=kind))
            if phone:
                self.phone(tx, debtor_id, phone)
            if owes:
                self.owe(tx, debtor_id, area, owes)
        return debtor_id

    def phone(self, tx: Connection, debtor_id: int, number: str, status: PhoneStatus = PhoneStatus.USABLE) -> int:
        """A mobile number on a record."""
        return tx.execute(
            insert(Phone)
            .values(debtor_id=debtor_id, number=number, kind=PhoneKind.MOBILE, status=status, owner=PhoneOwner.SELF)
            .returning(Phone.id)
        ).scalar_one()

    def owe(self, tx: Connection, debtor_id: int, area: Area, amount: int, due: date = date(2026, 6, 30)) -> int:
        """One overdue installment."""
        self.made += 1
        item = {Area.TAX: "resident_ordinary", Area.PUBLIC: "care", Area.PRIVATE: "water"}.get(area, "loan")
        assessment = tx.execute(
            insert(Assessment)
            .values(debtor_id=debtor_id, area=area, item_code=item, fiscal_year=2026, notice_number=f"N{self.made:06d}")
            .returning(Assessment.id)
        ).scalar_one()
        return tx.execute(
            insert(Installment)
            .values(
                assessment_id=assessment,
                debtor_id=debtor_id,
                area=area,
                number=1,
                due_on=due,
                principal=amount,
                outstanding=amount,
            )
            .returning(Installment.id)
        ).scalar_one()
