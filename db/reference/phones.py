"""Telephone numbers: the one place where a number is normalised, classified and turned into what the PBX dials.

For imports, searches, caller-ID lookup, calls and SMS alike, so that one phone has one spelling (E.164) everywhere.
`phonenumbers` knows the area codes; the shapes of the Japanese services are fixed by the numbering plan
(電気通信番号計画) and stand here, because a library may lag behind it (060 mobiles start in July 2026).
"""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

from db.rules.terms import PhoneKind

_JAPAN = 81
_LONGEST = 40
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u2501\u30fc\u301c~\u02d7\u00ad"
_FILLERS = re.compile(f"[ ().\\[\\]{re.escape(_DASHES)}]")
_PLAIN = re.compile(r"\+?[0-9]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# National number without its leading 0. A 0 after 060/070/090 is accepted although no carrier has been given it yet:
# such a number harms nobody (it is unallocated) and is what synthetic data uses.
_SERVICES = (
    (PhoneKind.MOBILE, re.compile(r"[679]0[0-9]{8}|80[1-9][0-9]{7}"), (2, 6)),
    (PhoneKind.IP, re.compile(r"50[0-9]{8}"), (2, 6)),
    (PhoneKind.TOLL_FREE, re.compile(r"120[0-9]{6}|800[0-9]{7}"), (3, 6)),
    (PhoneKind.SHARED_COST, re.compile(r"570[0-9]{6}"), (3, 6)),
)
_LANDLINE_TYPES = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that exists in a numbering plan: `e164` is its identity, `national` is how an officer writes it."""

    e164: str
    kind: PhoneKind
    national: str


class PhoneError(ValueError):
    """Text that is not one usable telephone number.

    `code` is one of empty, bad_characters, not_a_phone, invalid, bad_e164; the message is Japanese, for the screen.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable `code` beside the sentence."""
        super().__init__(message)
        self.code = code
        self.message = message


def parse_phone(text: str, region: str = "JP") -> PhoneNumber:
    """Read a number in any spelling (full-width, any hyphen, brackets, +81, 0081); raise `PhoneError` otherwise.

    Letters, 内線 and two numbers in one field are refused rather than guessed at.
    """
    digits = _international(_plain(text), region)
    # What trunks send and most records hold needs no library: a look-up of a caller spends its time elsewhere.
    if region == "JP" and digits.startswith("0") and (number := _service(digits[1:])) is not None:
        return number
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException as error:
        raise _invalid() from error
    if parsed.country_code == _JAPAN:
        return _japanese(parsed)
    return _foreign(parsed)


def dial_digits(e164: str) -> str:
    """Return what is sent to the trunk: national digits with the leading 0 in Japan, 010 + country + number abroad."""
    if not _E164.fullmatch(e164):
        raise PhoneError("bad_e164", "電話番号の内部形式が正しくありません。番号を登録し直してください。")
    if e164.startswith(f"+{_JAPAN}"):
        return "0" + e164[3:]
    return "010" + e164[1:]


def _plain(text: str) -> str:
    """Reduce `text` to digits with at most one plus in front."""
    if len(text) > _LONGEST:
        raise _bad_characters()
    if text.isascii() and text.isdigit():
        return text
    folded = unicodedata.normalize("NFKC", text).strip()
    if not folded:
        raise PhoneError("empty", "電話番号を入力してください。")
    # "+81 (0)90…": the trunk zero is written for readers at home and is not part of the number.
    plain = _FILLERS.sub("", folded.replace("(0)", "") if folded.startswith(("+", "00")) else folded)
    if not _PLAIN.fullmatch(plain):
        raise _bad_characters()
    return plain


def _international(digits: str, region: str) -> str:
    """Give international spellings seen in Japanese data their plus: 0081…, and the bare 81… that trunks send."""
    if region != "JP" or digits.startswith("+"):
        return digits
    if digits.startswith(f"00{_JAPAN}"):
        return "+" + digits[2:]
    if digits.startswith(str(_JAPAN)) and len(digits) in (11, 12):
        return "+" + digits
    return digits


def _japanese(parsed: phonenumbers.PhoneNumber) -> PhoneNumber:
    national = phonenumbers.national_significant_number(parsed)
    if national.startswith("20"):
        raise PhoneError("not_a_phone", "020で始まる番号は電話ではないため登録できません。")
    if (number := _service(national)) is not None:
        return number
    kind_of_number = phonenumbers.number_type(parsed)
    if kind_of_number == phonenumbers.PhoneNumberType.UNKNOWN:  # what is_valid_number looks at, asked once
        raise _invalid()
    kind = PhoneKind.LANDLINE if kind_of_number in _LANDLINE_TYPES else PhoneKind.OTHER
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return PhoneNumber(f"+{_JAPAN}{national}", kind, written)


def _service(national: str) -> PhoneNumber | None:
    """A number of a service with digits of its own (mobile, IP, free, shared cost), from its digits without the 0."""
    for kind, shape, cuts in _SERVICES:
        if shape.fullmatch(national):
            return PhoneNumber(f"+{_JAPAN}{national}", kind, _grouped("0" + national, cuts))
    return None


def _foreign(parsed: phonenumbers.PhoneNumber) -> PhoneNumber:
    if not phonenumbers.is_valid_number(parsed):
        raise _invalid()
    return PhoneNumber(
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        PhoneKind.FOREIGN,
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
    )


def _grouped(digits: str, cuts: tuple[int, int]) -> str:
    first, second = cuts[0] + 1, cuts[1] + 1
    return f"{digits[:first]}-{digits[first:second]}-{digits[second:]}"


def _bad_characters() -> PhoneError:
    return PhoneError("bad_characters", "電話番号は数字で1件だけ入力してください(内線・文字は入れられません)。")


def _invalid() -> PhoneError:
    return PhoneError("invalid", "電話番号の桁数または市外局番が正しくありません。")
