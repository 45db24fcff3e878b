"""People who are in every city, for demos and tests: one for each thing that is worth showing.

They come first in the register, so their 宛名番号, birthdays and telephone numbers are the same in every city. None of
them exists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from db.rules.terms import AnsweredBy, Channel, FlagKind, PersonKind, PhoneKind
from saikoku.city.behaviours import SUFFIXES, Reaction, landline, mobile
from saikoku.city.claims import Ledger, add_assessment
from saikoku.city.days import ITEMS, YEARS
from saikoku.city.draft import Draft
from saikoku.city.history import Event, add_promise, add_recall, at, write
from saikoku.city.names import joined, part
from saikoku.city.people import (
    TAX,
    Person,
    add_address,
    add_areas,
    add_debtor,
    add_flag,
    add_line,
    debtor_number,
    find_home,
)
from saikoku.lab.carrier import BEHAVIOURS

_RESIDENT, _HEALTH, _PROPERTY, _VEHICLE = range(4)
_SELF: Final = AnsweredBy.SELF.value
_NOBODY: Final = AnsweredBy.NOBODY.value


@dataclass(frozen=True, slots=True)
class Showcase:
    """One of them: `id` is the key in the register; `mobile` and `landline` are E.164, None where there is none."""

    id: int
    family: str
    family_kana: str
    given: str
    given_kana: str
    birth_date: date
    mobile: str | None = None
    landline: str | None = None
    language: str = "ja"

    @property
    def number(self) -> str:
        """The 宛名番号."""
        return debtor_number(self.id)

    @property
    def name(self) -> str:
        """The name as the register has it."""
        return f"{self.family}　{self.given}"

    @property
    def kana(self) -> str:
        """The reading."""
        return f"{self.family_kana}　{self.given_kana}"


_TALKS: Final = SUFFIXES[Reaction.SELF][0]
_RINGS: Final = SUFFIXES[Reaction.RINGS_OUT][0]

SPECIAL_NAME: Final = Showcase(
    1,
    "葛\U000e0100城 O'Brien",
    "カツラギ オブライエン",
    "凛🌸",
    "リン",
    date(1988, 3, 3),
    mobile(1, _TALKS),
    language="en",
)
"""An apostrophe, an emoji and a variation selector in the name."""

PROTECTED: Final = Showcase(2, "水無月", "ミナヅキ", "花", "ハナ", date(1991, 7, 15), mobile(2, _TALKS))
"""Under 支援措置: the address must never show."""

LAWYER: Final = Showcase(3, "霜月", "シモツキ", "守", "マモル", date(1975, 11, 2), mobile(3, _TALKS))
"""A lawyer acts for this person: no contact with the person themselves."""

BROKEN: Final = Showcase(4, "卯月", "ウヅキ", "遼", "リョウ", date(1983, 4, 21), mobile(4, _TALKS))
"""A promise in three parts, none of it paid and the first parts past."""

PROMISED: Final = Showcase(5, "睦月", "ムツキ", "一枝", "カズエ", date(1969, 1, 30), mobile(5, _TALKS))
"""A promise whose day is still to come."""

MANY_ITEMS: Final = Showcase(6, "師走", "シワス", "千太郎", "センタロウ", date(1958, 12, 8), mobile(6, _TALKS))
"""Three items over six fiscal years, several installments each."""

TWO_PHONES: Final = Showcase(
    7, "葉月", "ハヅキ", "澪", "ミオ", date(1994, 8, 19), mobile(7, _TALKS), landline(7, _RINGS)
)
"""Two telephones: the mobile answers, the land line rings out."""

_FIRST_BY_BEHAVIOUR: Final = 8
_NUMERALS: Final = "一二三四五六七八九十壬癸甲乙丙丁"
_READINGS: Final = (
    "イチコ", "ニコ", "サンコ", "ヨンコ", "ゴコ", "ムコ", "ナナコ", "ヤコ", "キュウコ", "トオコ", "ミズコ", "キコ", "コウコ", "オツコ", "ヘイコ", "チョウコ",
)  # fmt: skip

BY_BEHAVIOUR: Final[Mapping[str, Showcase]] = {
    behaviour.name: Showcase(
        _FIRST_BY_BEHAVIOUR + place,
        "神無月",
        "カンナヅキ",
        _NUMERALS[place] + "子",
        _READINGS[place],
        date(1980, 10, 1 + place),
        mobile(_FIRST_BY_BEHAVIOUR + place, behaviour.first),
    )
    for place, behaviour in enumerate(BEHAVIOURS)
}
"""For every behaviour of the lab's carrier, by its name, somebody whose mobile behaves so."""

PEOPLE: Final = (
    SPECIAL_NAME, PROTECTED, LAWYER, BROKEN, PROMISED, MANY_ITEMS, TWO_PHONES, *BY_BEHAVIOUR.values(),
)  # fmt: skip
"""All of them, by key from 1 on."""


def add_showcase(draft: Draft) -> None:
    """Write all of them; they belong to the first chunk."""
    for shown in PEOPLE:
        person = _write_person(draft, shown)
        ledger = _two_years(draft, shown) if shown is not MANY_ITEMS else _many(draft, shown)
        story = _STORIES.get(shown.id)
        if story:
            story(draft, person, ledger)


def _write_person(draft: Draft, shown: Showcase) -> Person:
    draft.tables["household"].append((shown.id, f"{7_000_000_000 + shown.id}"))
    name = joined(part(shown.family, shown.family_kana), part(shown.given, shown.given_kana))
    kind = PersonKind.PERSON.value
    add_debtor(draft, shown.id, kind, name, shown.birth_date, shown.language, shown.id, "世帯主")
    add_areas(draft, shown.id, (TAX,))
    add_address(draft, shown.id, find_home(draft))
    person = Person(shown.id, False, draft.world.plan.today.year - shown.birth_date.year, shown.language, (TAX,))
    for number, phone in ((shown.mobile, PhoneKind.MOBILE), (shown.landline, PhoneKind.LANDLINE)):
        if number:
            add_line(draft, person, number, phone.value, Reaction.SELF)
    return person


def _two_years(draft: Draft, shown: Showcase) -> Ledger:
    """市県民税 of last year and 国保税 of the year before: always due, whatever the reference day."""
    schedules = draft.days.schedules
    rows = add_assessment(draft, shown.id, _HEALTH, 2, schedules[_HEALTH][2][-2:], 9_800)
    rows += add_assessment(draft, shown.id, _RESIDENT, 1, schedules[_RESIDENT][1][:2], 24_300)
    return Ledger(TAX, rows)


def _many(draft: Draft, shown: Showcase) -> Ledger:
    rows = []
    for back in range(YEARS - 1, -1, -1):
        for item, amount in ((_PROPERTY, 41_200), (_HEALTH, 18_700), (_VEHICLE, 12_900)):
            dues = draft.days.schedules[item][back]
            past = tuple(due for due in dues if due.day < draft.days.today)
            if past:
                rows += add_assessment(draft, shown.id, item, back, past, amount)
    return Ledger(ITEMS[_PROPERTY].area.value, sorted(rows, key=lambda row: row[5]))


# -- their stories


def _talk(draft: Draft, person: Person, days_ago: int) -> Event:
    day = draft.days.today - days_ago
    missed = Event(
        at(draft, day - 1, "08:40:00"),
        Channel.CALL_OUT.value,
        "no_answer",
        _NOBODY,
        person.lines[0].number,
        day=day - 1,
    )
    talked = Event(
        at(draft, day, "09:10:00"), Channel.CALL_OUT.value, "talked_self", _SELF, person.lines[0].number,
        "分割納付を希望。収支を聴取。", day=day,
    )  # fmt: skip
    write(draft, person, TAX, [missed, talked])
    return talked


def _protected(draft: Draft, person: Person, _: Ledger) -> None:
    add_flag(draft, person.id, FlagKind.PROTECTED, None, "住民基本台帳事務における支援措置")


def _lawyer(draft: Draft, person: Person, _: Ledger) -> None:
    add_flag(draft, person.id, FlagKind.LAWYER, None, "受任通知あり。本人への連絡不可")


def _broken(draft: Draft, person: Person, ledger: Ledger) -> None:
    add_promise(draft, person.id, ledger, _talk(draft, person, 75), kept=False, parts=3)


def _promised(draft: Draft, person: Person, ledger: Ledger) -> None:
    add_promise(draft, person.id, ledger, _talk(draft, person, 4), kept=False, parts=2)


def _two_phones(draft: Draft, person: Person, _: Ledger) -> None:
    talked = _talk(draft, person, 20)
    due = at(draft, draft.days.today, "09:00:00")
    add_recall(draft, person, TAX, due, talked.at, draft.world.staff[0], None)


_STORIES: Final[Mapping[int, Callable[[Draft, Person, Ledger], None]]] = {
    PROTECTED.id: _protected,
    LAWYER.id: _lawyer,
    BROKEN.id: _broken,
    PROMISED.id: _promised,
    TWO_PHONES.id: _two_phones,
}
