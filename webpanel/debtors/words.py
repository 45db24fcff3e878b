"""How the record writes days, moments, rates and numbers: era form for the eye, ISO on hover and in the data."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from db.reference.calendar import era_date_short, fiscal_year_label
from db.reference.phones import PhoneError, parse_phone
from db.rules.condition_words import LANGUAGES

_TIME = Markup('<time datetime="{0}" title="{1}">{2}</time>')


def era_short(day: date) -> Markup:
    """`R8.11.24`, for table columns."""
    return _TIME.format(day.isoformat(), day.isoformat(), era_date_short(day))


def era_moment(at: datetime, zone: ZoneInfo) -> Markup:
    """`R8.11.24 18:02` on the office's clock."""
    local = at.astimezone(zone)
    iso = local.isoformat(timespec="seconds")
    return _TIME.format(iso, iso[:16].replace("T", " "), f"{era_date_short(local.date())} {local:%H:%M}")


def fiscal(year: int) -> Markup:
    """`R8` for the fiscal year, with its full name on hover: a column has little room."""
    label = fiscal_year_label(year)
    return Markup('<span title="{}">{}</span>').format(label, _ERA_LETTERS[label[:2]] + label[2:-2])


_ERA_LETTERS = {"令和": "R", "平成": "H", "昭和": "S", "大正": "T", "明治": "M"}


def percent(hundredths: int) -> str:
    """A yearly rate kept in hundredths of a percent: 870 is `8.7%`."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + "%"


def age(born: date, today: date) -> int:
    """Full years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def weekday(day: date) -> str:
    """月 to 日."""
    return "月火水木金土日"[day.weekday()]


@lru_cache(maxsize=4096)
def national(number: str) -> str:
    """A telephone number as an officer writes it; as it stands if it is none."""
    try:
        return parse_phone(number).national
    except PhoneError:
        return number


WORDS: Final[Mapping[str, Any]] = {
    "era_short": era_short,
    "era_moment": era_moment,
    "fiscal": fiscal,
    "percent": percent,
    "age": age,
    "weekday": weekday,
    "national": national,
    "languages": LANGUAGES,
}
"""For templates, under their own names."""
