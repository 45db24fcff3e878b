"""Reading one value of a core system's file: digits of any width, signs, 和暦, codes. Text that is no such value is refused.

Telephone numbers and dates need libraries; their readers are handed in (`Readers`), so that one phone and one day have
one spelling everywhere.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from db.rules.terms import Area, Term

LONGEST_TEXT: Final = 200
LONGEST_NOTE: Final = 2000
LONGEST_CODE: Final = 40
_LARGEST_YEN: Final = 10**12
_LARGEST_COUNT: Final = 9999

_YEN = re.compile(r"([-+△▲]?)([0-9]+)(?:\.0+)?([-+]?)")
_MARKS = str.maketrans("", "", ", 円¥\\'")
_MINUSES = str.maketrans(dict.fromkeys("−–—―‐ｰー－", "-"))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029]")
_BREAK = re.compile(r"[\r\n\t]+")
_NO_DAY = re.compile(r"0+|9+|[-/.年月日]*")
_WESTERN_YEAR = re.compile(r"(19|20)[0-9]{2}(?:年度?)?")
_ERA_YEAR = re.compile(r"([^0-9元]{1,2})(元|[0-9]{1,2})(?:年度?)?")
_PACKED_YEAR = re.compile(r"[MTSHR1-5][0-9]{2}")


class BadValueError(ValueError):
    """Text that is not the value it should be; the message is the Japanese reason, without the value."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What is known outside the rules. `day` reads a date in any spelling, `phone` gives the E.164 form and the kind of a
    number; both raise ValueError with a Japanese sentence. `items`: the office's tax items with their areas."""

    day: Callable[[str], date]
    phone: Callable[[str], tuple[str, str]]
    items: Mapping[str, Area]


def text(raw: str) -> str:
    """Words on one line: outer blanks go, line breaks become one blank. Characters are kept as they came (外字 too)."""
    return _within(_BREAK.sub(" ", raw).strip(), LONGEST_TEXT)


def note(raw: str) -> str:
    """Words that may go over several lines."""
    return _within(raw.replace("\r\n", "\n").replace("\r", "\n").strip(), LONGEST_NOTE)


def code(raw: str) -> str:
    """A number or code that names something: half width, without blanks."""
    if raw.isascii() and raw.isalnum() and len(raw) <= LONGEST_CODE:
        return raw
    return _within("".join(_plain(raw).split()), LONGEST_CODE)


def yen(raw: str) -> int:
    """An amount of at least 0 yen."""
    amount = signed_yen(raw)
    if amount < 0:
        raise BadValueError("マイナスの金額は入れられません")
    return amount


def signed_yen(raw: str) -> int:
    """An amount in yen, with a sign in front (- △ ▲), behind, or as brackets."""
    if raw.isascii() and raw.isdigit() and len(raw) < 13:
        return int(raw)
    plain = _plain(raw).translate(_MINUSES).translate(_MARKS)
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    found = _YEN.fullmatch(plain)
    if found is None or (found[1] and found[3]):
        raise BadValueError("金額として読み取れません")
    amount = int(found[2]) if len(found[2]) < 30 else _LARGEST_YEN
    if amount >= _LARGEST_YEN:
        raise BadValueError("金額が大きすぎます")
    return -amount if (found[1] or found[3]) in {"-", "△", "▲"} else amount


def count(raw: str) -> int:
    """A small whole number, such as an instalment's."""
    plain = _plain(raw).strip()
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 12 or int(plain) > _LARGEST_COUNT:
        raise BadValueError(f"0から{_LARGEST_COUNT}までの整数ではありません")
    return int(plain)


def day(raw: str, read: Callable[[str], date]) -> str | None:
    """A day as ISO text; all zeros, all nines and bare separators are what core systems write for "none"."""
    plain = "".join(_plain(raw).split())
    if _NO_DAY.fullmatch(plain):
        return None
    try:
        return read(plain).isoformat()
    except ValueError as error:
        raise BadValueError(_reason(error)) from error


def fiscal_year(raw: str, read: Callable[[str], date]) -> int:
    """A fiscal year: 2026, 令和8年度, R8, R08, 508 (era digit in front)."""
    plain = "".join(_plain(raw).split()).upper()
    if _WESTERN_YEAR.fullmatch(plain):
        return int(plain[:4])
    if _PACKED_YEAR.fullmatch(plain):
        return _year_of(plain + "0501", plain + "0401", read)
    found = _ERA_YEAR.fullmatch(plain)
    if found is None:
        raise BadValueError("年度として読み取れません")
    return _year_of(f"{found[1]}{found[2]}年5月1日", f"{found[1]}{found[2]}年4月1日", read)


def phone(raw: str, read: Callable[[str], tuple[str, str]]) -> str:
    """A telephone number as `E.164/kind`."""
    try:
        return "/".join(read(raw))
    except ValueError as error:
        raise BadValueError(_reason(error)) from error


def choice(raw: str, terms: type[Term]) -> str:
    """A member of one of the field's enumerations, by its code or its Japanese."""
    for term in terms:
        if raw in (term.value, term.label):
            return term.value
    raise BadValueError(f"「{'」「'.join(term.label for term in terms)}」のどれでもありません")


def item(raw: str, items: Mapping[str, Area], areas: frozenset[Area]) -> str:
    """A tax item of the office, of an area that the mapping is for."""
    if raw not in items:
        raise BadValueError("登録されていない税目・料目です。マッピングの codes を確かめてください")
    if items[raw] not in areas:
        raise BadValueError(f"業務区分「{items[raw].label}」は、このマッピングの対象（areas）ではありません")
    return raw


def _year_of(first: str, second: str, read: Callable[[str], date]) -> int:
    """1 May gives the official 令和元年度; 平成31年度 has no 1 May."""
    for words in (first, second):
        try:
            return read(words).year
        except ValueError:
            continue
    raise BadValueError("年度として読み取れません")


def _plain(raw: str) -> str:
    return unicodedata.normalize("NFKC", raw[:LONGEST_NOTE])


def _within(words: str, longest: int) -> str:
    if len(words) > longest:
        raise BadValueError(f"{longest}文字を超えています")
    if _CONTROL.search(words):
        raise BadValueError("使えない制御文字が入っています")
    return words


def _reason(error: ValueError) -> str:
    return str(error).rstrip("。").replace("\n", " ")
