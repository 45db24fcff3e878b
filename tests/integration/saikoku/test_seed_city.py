"""The synthetic city in a real register, on both databases."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Connection, func, insert, inspect, select, text

from db.engine import Database
from db.rules.terms import PersonKind
from db.schema.contacts import Contact
from db.schema.people import Debtor, Phone
from db.schema.staff import Staff
from saikoku.city import CityError, CitySummary, seed_city
from saikoku.city.load import TABLES, Loader
from saikoku.city.showcase import PEOPLE, SPECIAL_NAME, TWO_PHONES

TODAY = date(2026, 11, 24)
STAFF = (1, 2)


@pytest.fixture
def office(database: Database) -> Database:
    """A register with two members of staff."""
    with database.write() as tx:
        for number in STAFF:
            tx.execute(
                insert(Staff).values(
                    id=number, login=f"user{number}", name="職員", password_hash="!", password_set_at=datetime.now(UTC)
                )
            )
    return database


def seed(database: Database, debtors: int = 1_100) -> CitySummary:
    return seed_city(database, debtors=debtors, seed=3, today=TODAY, staff_ids=STAFF, progress=False)


def indexes(database: Database) -> set[str | None]:
    """Names of all indexes of the tables that a city fills."""
    inspector = inspect(database.engine)
    return {index["name"] for table in TABLES for index in inspector.get_indexes(table)}


def digest(tx: Connection) -> str:
    """All rows of the city as the program reads them."""
    made = hashlib.sha256()
    for table in TABLES.values():
        for row in tx.execute(select(table).order_by(*table.primary_key)):
            made.update(repr(tuple(row)).encode())
    return made.hexdigest()


KNOWN: list[str] = []
"""Digests of the same city made by the tests before, on whichever database."""


@pytest.mark.req("P3")
def test_the_same_city_on_every_database(office: Database) -> None:
    summary = seed(office)
    with office.read() as tx:
        for name, table in TABLES.items():
            assert tx.execute(select(func.count()).select_from(table)).scalar_one() == summary.rows[name] > 0
        KNOWN.append(digest(tx))
    assert len(set(KNOWN)) == 1


@pytest.mark.req("P3")
def test_a_seeded_register_is_whole_and_works_on(office: Database) -> None:
    before = indexes(office)
    seed(office)
    assert indexes(office) == before != set()
    with office.write() as tx:
        if office.is_sqlite:
            assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1
            assert not tx.execute(text("PRAGMA foreign_key_check")).all()
            assert tx.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        last = tx.execute(select(func.max(Debtor.id))).scalar_one()
        added = tx.execute(
            insert(Debtor).values(
                number="9999999999", kind=PersonKind.PERSON, name="追加", kana="ツイカ", name_folded="追加",
                kana_folded="ついか", data_as_of=datetime.now(UTC),
            ).returning(Debtor.id)
        ).scalar_one()  # fmt: skip
        assert added == last + 1


def test_rows_read_back_as_the_program_means_them(office: Database) -> None:
    seed(office)
    with office.read() as tx:
        name, birth = tx.execute(
            select(Debtor.name, Debtor.birth_date).where(Debtor.number == SPECIAL_NAME.number)
        ).one()
        assert (name, birth) == (SPECIAL_NAME.name, SPECIAL_NAME.birth_date)
        kinds = tx.execute(select(Phone.kind).where(Phone.debtor_id == TWO_PHONES.id).order_by(Phone.rank)).scalars()
        assert list(kinds) == ["mobile", "landline"]
        at = tx.execute(select(Contact.at).where(Contact.debtor_id == TWO_PHONES.id).order_by(Contact.at)).scalars()
        assert [moment.isoformat() for moment in at] == ["2026-11-03T08:40:00+00:00", "2026-11-04T09:10:00+00:00"]


def test_a_register_with_people_is_left_alone(office: Database) -> None:
    seed(office)
    with pytest.raises(CityError, match="empty"):
        seed(office)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda office: seed(office, debtors=len(PEOPLE) - 1),
        lambda office: seed_city(office, debtors=100, seed=1, today=TODAY, staff_ids=(), progress=False),
    ],
)
def test_a_city_that_cannot_be_is_refused(office: Database, wrong: Callable[[Database], CitySummary]) -> None:
    with pytest.raises(CityError):
        wrong(office)


def test_a_failed_load_leaves_the_indexes(office: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = indexes(office)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Loader, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        seed(office)
    assert indexes(office) == before


def test_progress_is_shown_when_asked_for(office: Database, capsys: pytest.CaptureFixture[str]) -> None:
    seed_city(office, debtors=len(PEOPLE), seed=1, today=TODAY, staff_ids=STAFF, progress=True)
    assert "みなと野市" in capsys.readouterr().err
