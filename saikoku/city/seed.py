"""`seed_city`: fill an empty register with a synthetic city, for demos, tests and benches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from tqdm import tqdm

from db.engine import Database
from db.schema.people import Debtor
from db.usecases.summaries import rebuild
from saikoku.city.build import chunks
from saikoku.city.load import Loader
from saikoku.city.plan import COLUMNS, CityPlan
from saikoku.city.showcase import PEOPLE

USUAL_CONTACTS = 2.5


class CityError(Exception):
    """A city that cannot be built here; the message says what to do."""

    code = "city"


@dataclass(frozen=True, slots=True)
class CitySummary:
    """What was written: rows by table, and yen of principal still open."""

    rows: Mapping[str, int]
    outstanding: int

    @property
    def debtors(self) -> int:
        """How many people and companies there are."""
        return self.rows["debtor"]


def seed_city(
    database: Database,
    *,
    debtors: int,
    seed: int,
    today: date,
    staff_ids: Sequence[int],
    contacts_per_debtor: float = USUAL_CONTACTS,
    progress: bool = False,
) -> CitySummary:
    """Write a city of `debtors` people and companies, as it stands on the morning of `today`.

    The register must be migrated, have its base rows and the `staff_ids` (who made the contacts), and hold no debtor.
    Equal arguments give equal rows. Raises CityError where that is not so or the city is too small.
    """
    if debtors < len(PEOPLE):
        raise CityError(f"a city has at least {len(PEOPLE)} debtors, not {debtors}")
    if not staff_ids:
        raise CityError("a city's history needs at least one member of staff")
    with database.read() as tx:
        if tx.execute(select(Debtor.id).limit(1)).first():
            raise CityError("this register already holds people: seed an empty one")
    plan = CityPlan(debtors, seed, today, tuple(staff_ids), contacts_per_debtor)
    loader = Loader(database)
    counts: Counter[str] = Counter()
    outstanding = 0
    with loader.without_indexes(), tqdm(total=debtors, unit="人", disable=not progress, desc="みなと野市") as bar:
        for rows in chunks(plan):
            loader.write(rows.tables)
            counts.update({table: len(made) for table, made in rows.tables.items()})
            outstanding += sum(row[7] for row in rows.tables["installment"])
            bar.update(rows.debtors)
    rebuild(database, today)
    return CitySummary({table: counts[table] for table in COLUMNS}, outstanding)
