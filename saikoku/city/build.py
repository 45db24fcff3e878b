"""Building the city chunk by chunk: what a chunk holds follows from the plan and its number alone."""

from collections.abc import Iterator

from saikoku.city import rates, showcase
from saikoku.city.claims import add_claims
from saikoku.city.draft import Draft, World
from saikoku.city.history import add_history
from saikoku.city.people import HEALTH, PRIVATE, PUBLIC, TAX, Person, add_company, add_flags, add_household
from saikoku.city.plan import CityPlan, Rows

_MEMBERS = (1,) * 80 + (2,) * 15 + (3,) * 3 + (4, 5)


def chunks(plan: CityPlan) -> Iterator[Rows]:
    """The city's rows, a chunk at a time; one chunk is held in memory."""
    world = World(plan)
    for chunk in range(plan.chunks):
        yield build(world, chunk)


def build(world: World, chunk: int) -> Rows:
    """One chunk of the city."""
    draft = Draft(world, chunk)
    done = 0
    if chunk == 0:
        showcase.add_showcase(draft)
        done = len(showcase.PEOPLE)
    while done < draft.count:
        people = _unit(draft, draft.first_id + done, draft.count - done)
        for person in people:
            _add_life(draft, person)
        done += len(people)
    draft.rows.debtors = draft.count
    return draft.rows


def _unit(draft: Draft, first_id: int, room: int) -> list[Person]:
    """A company, or a household of which some are on the register."""
    if draft.random() < rates.COMPANIES * 1.25:  # counted by households, of which one has a quarter more debtors
        return [add_company(draft, first_id)]
    return add_household(draft, first_id, min(draft.pick(_MEMBERS), room))


def _add_life(draft: Draft, person: Person) -> None:
    ledgers = add_claims(draft, person)
    add_history(draft, person, ledgers, _area_of_contacts(draft, person))
    add_flags(draft, person)


def _area_of_contacts(draft: Draft, person: Person) -> str:
    """The area that got in touch: mostly taxes, at times public or private claims, and only health where nothing else."""
    if person.areas == (HEALTH,):
        return HEALTH
    claims = [area for area in (PUBLIC, PRIVATE) if area in person.areas]
    return str(draft.pick(claims)) if claims and draft.random() < rates.OTHER_AREA_CONTACTS else TAX
