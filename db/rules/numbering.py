"""The check digit that new 宛名番号 end in: modulus 11, weights 2 to 7 from the right.

Old numbers have none and core systems differ, so a wrong digit is only ever shown as a hint while somebody types;
it never rejects an import or a search.
"""

from itertools import cycle

_MODULUS = 11
_WEIGHTS = (2, 3, 4, 5, 6, 7)


def check_digit(body: str) -> int:
    """Return the check digit of `body`, the number without it; remainders 0 and 1 give 0. ValueError unless digits."""
    if not (body.isascii() and body.isdecimal()):
        raise ValueError("a number consists of ASCII digits")
    remainder = sum(int(digit) * weight for digit, weight in zip(reversed(body), cycle(_WEIGHTS), strict=False))
    complement = _MODULUS - remainder % _MODULUS
    return complement if complement < 10 else 0


def has_valid_check_digit(number: str) -> bool:
    """Tell whether the last digit of `number` checks the others; False for anything that is not two digits or more."""
    if len(number) < 2 or not (number.isascii() and number.isdecimal()):
        return False
    return check_digit(number[:-1]) == int(number[-1])
