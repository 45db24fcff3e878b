"""Is the person on the line who the record says (C5)? What the operator typed against the record, inside the server.

Match needs all three: the name, the birth date and a part of the address. Only `Identification.matched` leaves the
server; which part failed goes to the server's log, so that nobody learns the right answers by trying. Spelling is
forgiven (width, spaces, 丁目/番/号 or hyphens, kanji numerals before 丁目), a wrong digit never is.
"""

import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import date

_DASHES = re.compile("[-‐‑‒–—―−ー－]")
_KANJI_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")}
_KANJI_NUMBER = re.compile("[〇一二三四五六七八九十百]+(?=丁目|番|号|条|線|地割|区画)")
_SEPARATORS = re.compile("(?<=[0-9])(?:丁目|番地の?|番|号室|号|室|の|ノ|-)")
_TOKEN = re.compile("[0-9]+|[^0-9-]+")
_LONGEST = 200
_SHORTEST_TEXT = 2
_SHORTEST_LONE_NUMBER = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """A person by the three things asked: on the record, or as heard and typed.

    `name_kana` is the search form (`db.reference.kana.fold_kana`) on both sides; `address` is written as it comes. A
    record without a birth date or an address cannot be matched: then an officer decides by other means.
    """

    name_kana: str
    birth_date: date | None
    address: str


@dataclass(frozen=True, slots=True)
class Identification:
    """Which parts agreed: for the server's log only."""

    name: bool
    birth_date: bool
    address: bool

    @property
    def matched(self) -> bool:
        """Tell whether all parts agreed: the only answer that is shown."""
        return self.name and self.birth_date and self.address


def identify(said: Identity, record: Identity) -> Identification:
    """Compare every part, whatever the others gave."""
    return Identification(
        name=bool(said.name_kana) and hmac.compare_digest(said.name_kana.encode(), record.name_kana.encode()),
        birth_date=said.birth_date is not None and said.birth_date == record.birth_date,
        address=address_matches(said.address, record.address),
    )


def address_matches(part: str, address: str) -> bool:
    """Tell whether `part` stands in `address` and says enough to prove anything.

    Numbers are compared whole and in order (1-3 is not in 11-3). Enough is two pieces with a number among them, a
    number of three digits (a flat), or, where the record has no numbers, two characters of its end.
    """
    said, record = _tokens(part), _tokens(address)
    if not any(map(_is_number, record)):
        return len(part.strip()) >= _SHORTEST_TEXT and len(said) == 1 and "".join(record).endswith(said[0])
    if not _says_enough(said):
        return False
    starts = range(len(record) - len(said) + 1)
    return any(_agrees(said, record[start : start + len(said)]) for start in starts)


def address_key(address: str) -> str:
    """One spelling of an address, for comparing whole ones: 1丁目2番3号 and 1-2-3 are the same."""
    return " ".join(_tokens(address))


def _says_enough(said: list[str]) -> bool:
    numbers = [token for token in said if _is_number(token)]
    if len(said) == 1:
        return bool(numbers) and len(numbers[0]) >= _SHORTEST_LONE_NUMBER
    return bool(numbers)


def _agrees(said: list[str], record: list[str]) -> bool:
    """Compare piece by piece; a text in front may lack its beginning (the prefecture), one behind its end."""
    last = len(said) - 1
    return all(
        one == other
        or (place == 0 and not _is_number(one) and other.endswith(one) and not _is_number(other))
        or (place == last and not _is_number(one) and other.startswith(one) and not _is_number(other))
        for place, (one, other) in enumerate(zip(said, record, strict=True))
    )


def _tokens(address: str) -> list[str]:
    """Cut an address into whole numbers and the texts between them."""
    folded = "".join(unicodedata.normalize("NFKC", address[:_LONGEST]).casefold().split())
    arabic = _KANJI_NUMBER.sub(lambda found: str(_kanji_value(found[0])), folded)
    dashed = re.sub("(?<=[0-9])" + _DASHES.pattern, "-", arabic)
    numbers = (
        str(int(token)) if _is_number(token) else token for token in _TOKEN.findall(_SEPARATORS.sub("-", dashed))
    )
    return list(numbers)


def _is_number(token: str) -> bool:
    return token.isascii() and token.isdecimal()


def _kanji_value(text: str) -> int:
    """Read a kanji numeral up to 百 (十二, 二十, 百三) or digit by digit (一〇三)."""
    if not set(text) & {"十", "百"}:
        return int("".join(str(_KANJI_DIGITS[char]) for char in text))
    total, digit = 0, 0
    for char in text:
        if char in _KANJI_DIGITS:
            digit = _KANJI_DIGITS[char]
        else:
            total += max(digit, 1) * (100 if char == "百" else 10)
            digit = 0
    return total + digit
