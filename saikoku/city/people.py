"""People, companies, households, addresses, phones and flags of the city."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from db.rules.numbering import check_digit
from db.rules.terms import AddressKind, Area, FlagKind, PersonKind, PhoneKind, PhoneOwner, PhoneStatus
from saikoku.city import names, places, rates
from saikoku.city.behaviours import SUFFIXES, Reaction, ip_phone, landline, mobile
from saikoku.city.draft import Draft, born

TAX, PUBLIC, PRIVATE, HEALTH, SURVEY = (area.value for area in Area)
_COMPANY: Final = PersonKind.COMPANY.value
_PERSON: Final = PersonKind.PERSON.value
_REGISTERED: Final = AddressKind.REGISTERED.value
_MAILING: Final = AddressKind.MAILING.value
_FORMER: Final = AddressKind.FORMER.value
_MOBILE: Final = PhoneKind.MOBILE.value
_LANDLINE: Final = PhoneKind.LANDLINE.value
_IP: Final = PhoneKind.IP.value
_SELF: Final = PhoneOwner.SELF.value
_FAMILY: Final = PhoneOwner.FAMILY.value
_WORKPLACE: Final = PhoneOwner.WORKPLACE.value

_NUMBER_BASE: Final = 100_000_000
_NUMBER_STEP: Final = 113
_ELDERLY: Final = 75
_OTHER_LINE: Final = 4_999  # so that a second land line is never the first
_ADULT: Final = 18


@dataclass(slots=True)
class Line:
    """A phone on the record, and what comes of calling it."""

    id: int
    number: str
    kind: str
    reaction: Reaction


@dataclass(slots=True)
class Home:
    """Where a household lives."""

    town: places.Town
    block: str
    building: str
    latitude: float
    longitude: float


@dataclass(slots=True)
class Person:
    """What the other parts of the city need to know of a debtor."""

    id: int
    company: bool
    age: int
    language: str
    areas: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)


def debtor_number(debtor_id: int) -> str:
    """The 宛名番号 of the debtor with that key: 10 digits, rising with it."""
    body = str(_NUMBER_BASE + debtor_id * _NUMBER_STEP)
    return f"{body}{check_digit(body)}"


def find_home(draft: Draft) -> Home:
    """A home somewhere in the city, by population."""
    random = draft.random
    town: places.Town = draft.pick(places.LOTTERY)
    block = f"{1 + draft.below(5)}-{1 + draft.below(24)}-{1 + draft.below(18)}"
    building = ""
    if random() < 0.38:
        building = f"{draft.pick(places.BUILDINGS)} {1 + draft.below(8)}0{1 + draft.below(8)}号"
    return Home(
        town,
        block,
        building,
        round(town.latitude + (random() - 0.5) * 0.009, 6),
        round(town.longitude + (random() - 0.5) * 0.009, 6),
    )


def add_address(draft: Draft, debtor_id: int, home: Home, kind: str = _REGISTERED, until: str | None = None) -> None:
    """Write an address of a debtor."""
    town = home.town
    draft.tables["address"].append(
        (
            draft.id_for("address"), debtor_id, kind, town.postal_code, places.CITY + town.name, home.block,
            home.building, town.district, home.latitude, home.longitude, None, until,
        )
    )  # fmt: skip


def add_debtor(
    draft: Draft,
    debtor_id: int,
    kind: str,
    name: names.Name,
    birth: date | None,
    language: str = "ja",
    household: int | None = None,
    role: str | None = None,
) -> None:
    """Write a debtor."""
    draft.tables["debtor"].append(
        (
            debtor_id, debtor_number(debtor_id), kind, name.text, name.kana, name.text_folded, name.kana_folded,
            birth.isoformat() if birth else None, language, household, role,
            f"{draft.days.iso(draft.days.today - 1)} 22:00:00.000000",
        )
    )  # fmt: skip


def add_areas(draft: Draft, debtor_id: int, areas: tuple[str, ...]) -> None:
    """Write the files that a debtor has in business areas."""
    for area in areas:
        draft.tables["case_file"].append((draft.id_for("case_file"), debtor_id, area))


def add_flag(draft: Draft, debtor_id: int, kind: FlagKind, area: str | None = None, note: str = "") -> None:
    """Write a flag that holds today."""
    since = draft.days.iso(draft.days.today - 5 - draft.below(300))
    draft.tables["flag"].append((draft.id_for("flag"), debtor_id, area, kind.value, since, None, note))


def add_line(draft: Draft, person: Person, number: str, kind: str, reaction: Reaction, owner: str = _SELF) -> Line:
    """Write a phone of a person; its status is what the office learned about it (see the history)."""
    line = Line(draft.id_for("phone"), number, kind, reaction)
    person.lines.append(line)
    rank = len(person.lines)
    source = "基幹システム" if rank == 1 else "本人聴取"
    draft.tables["phone"].append([line.id, person.id, number, kind, PhoneStatus.USABLE.value, owner, rank, source])
    return line


def add_company(draft: Draft, debtor_id: int) -> Person:
    """A company at its own address."""
    add_debtor(draft, debtor_id, _COMPANY, names.company_name(draft.random), None)
    add_areas(draft, debtor_id, (TAX,))
    add_address(draft, debtor_id, find_home(draft))
    return Person(debtor_id, True, 0, "ja", (TAX,))


def add_household(draft: Draft, first_id: int, members: int) -> list[Person]:
    """A household whose `members` are all on the register; more people may live there who are not."""
    random = draft.random
    language = draft.pick(names.LANGUAGES) if random() < rates.FOREIGNERS else "ja"
    household = first_id
    draft.tables["household"].append((household, f"{7_000_000_000 + household}"))
    home = find_home(draft)
    family = names.family_name(random) if language == "ja" else names.foreign_name(random, language)[0]
    head_age: int = draft.pick(draft.world.ages)
    male = random() < (0.66 if members > 1 else 0.58)
    people = []
    for position in range(members):
        age, sex_male, role = _member(draft, position, head_age, male)
        birth = born(draft.world.plan.today, age, random())
        given = (
            names.given_name(random, male=sex_male, born=birth.year)
            if language == "ja"
            else names.foreign_name(random, language)[1]
        )
        debtor_id = first_id + position
        areas = _areas(draft, age)
        add_debtor(draft, debtor_id, _PERSON, names.joined(family, given), birth, language, household, role)
        add_areas(draft, debtor_id, areas)
        add_address(draft, debtor_id, home)
        if random() < rates.MAILING_ADDRESS:
            add_address(draft, debtor_id, find_home(draft), _MAILING)
        elif random() < 0.04:
            add_address(draft, debtor_id, find_home(draft), _FORMER, draft.days.iso(draft.days.today - 400))
        people.append(Person(debtor_id, False, age, language, areas))
    return people


def _member(draft: Draft, position: int, head_age: int, head_male: bool) -> tuple[int, bool, str]:
    """Age, sex and role (続柄) of the member at a position."""
    if position == 0:
        return head_age, head_male, "世帯主"
    if position == 1 and head_age >= 22:
        return max(head_age - 4 + draft.below(8), _ADULT), not head_male, "妻" if head_male else "夫"
    male = draft.random() < 0.5
    child = head_age - 24 - draft.below(12)
    if child >= _ADULT:
        return child, male, "子"
    return min(head_age + 24 + draft.below(8), 96), male, "父" if male else "母"


def _areas(draft: Draft, age: int) -> tuple[str, ...]:
    random = draft.random
    if random() < rates.HEALTH_ONLY:
        return (HEALTH,)
    areas = [TAX]
    if random() < (0.35 if age >= 65 else rates.PUBLIC_TOO * 0.7):
        areas.append(PUBLIC)
    if random() < rates.PRIVATE_TOO:
        areas.append(PRIVATE)
    if 40 <= age < _ELDERLY and random() < 0.05:
        areas.append(HEALTH)
    if random() < rates.SURVEY_TOO:
        areas.append(SURVEY)
    return tuple(areas)


def choose_number(draft: Draft, person: Person, reaction: Reaction, *, second: bool) -> tuple[str, str, str]:
    """A number that behaves so, its kind and its owner: mobiles for most, land lines for companies and the old."""
    suffix = draft.pick(SUFFIXES[reaction])
    fixed_share = 0.75 if person.company else 0.45 if person.age >= 65 else 0.14
    roll = draft.random()
    if second or roll < fixed_share:
        owner = _SELF if not second else _WORKPLACE if roll < 0.2 else _FAMILY if roll < 0.4 else _SELF
        return landline(person.id + (_OTHER_LINE if second else 0), suffix), _LANDLINE, owner
    if roll > 0.98:
        return ip_phone(person.id, suffix), _IP, _SELF
    return mobile(person.id, suffix), _MOBILE, _SELF


_FLAGS: Final = (
    (FlagKind.SUSPENDED, 26, TAX, "無財産による執行停止"),
    (FlagKind.DEFERRED, 9, TAX, "徴収猶予 申請により許可"),
    (FlagKind.LAWYER, 9, None, "受任通知あり。本人への連絡不可"),
    (FlagKind.BANKRUPT, 9, None, "破産手続開始決定"),
    (FlagKind.DECEASED, 9, None, "死亡。相続人調査中"),
    (FlagKind.EXCLUDED, 7, TAX, "係争中のため催告除外"),
    (FlagKind.CAUTION, 8, None, "過去に大声。複数人で対応"),
    (FlagKind.NO_SMS, 8, None, "SMS不要の申出"),
    (FlagKind.NO_CALLS, 5, None, "電話不可。文書のみ"),
    (FlagKind.WRITTEN_OFF, 5, TAX, "一部不納欠損"),
    (FlagKind.PROTECTED, 5, None, "住民基本台帳事務における支援措置"),
)
_FLAG_LOTTERY: Final = tuple(flag for flag in _FLAGS for _ in range(flag[1]))


def add_flags(draft: Draft, person: Person) -> None:
    """Give a few people a circumstance, and an interpreter to some who speak another language."""
    if draft.random() < rates.FLAGGED:
        kind, _, area, note = draft.pick(_FLAG_LOTTERY)
        add_flag(draft, person.id, kind, area, note)
    if person.language != "ja" and draft.random() < 0.4:
        add_flag(draft, person.id, FlagKind.INTERPRETER, None, "日本語での会話が難しい")
