"""Where a text may be cut: never within what a reader sees as one character.

The rules of UAX #29 that matter for messages, from what the standard library knows: combining marks, variation selectors,
voicing marks of half-width kana, joined and coloured emoji, flags, keycaps, and Hangul syllables in parts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

_JOINER: Final = "\u200d"
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_ALSO_EXTEND: Final = frozenset("\u200c\u200d\uff9e\uff9f")


def clusters(text: str) -> Iterator[str]:
    """The pieces of `text` that must stay whole; joined they are `text` again."""
    start = 0
    flags = 0
    for at in range(1, len(text)):
        before, char = text[at - 1], text[at]
        flags = flags + 1 if _is_flag(before) else 0
        if not (_extends(char) or before == _JOINER or _is_syllable(before, char) or (_is_flag(char) and flags % 2)):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _extends(char: str) -> bool:
    return (
        char in _ALSO_EXTEND
        or unicodedata.category(char) in _MARKS
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # colours of skin
        or "\U000e0020" <= char <= "\U000e007f"  # tags, of the flags of England and others
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_syllable(before: str, char: str) -> bool:
    """A vowel or a final consonant of Hangul after what it belongs to."""
    if "\u1160" <= char <= "\u11a7":
        return "\u1100" <= before <= "\u11a7" or "\uac00" <= before <= "\ud7a3"
    return "\u11a8" <= char <= "\u11ff" and ("\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")
