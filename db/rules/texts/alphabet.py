"""The GSM 7-bit default alphabet (3GPP TS 23.038, 6.2.1) and its extension, one septet an octet as SMPP carries it."""

from __future__ import annotations

from typing import Final

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_ESCAPE: Final = 0x1B

_SEPTETS: Final = {char: bytes([code]) for code, char in enumerate(_BASIC) if code != _ESCAPE} | {
    char: bytes([_ESCAPE, code]) for char, code in _EXTENSION.items()
}
_EXTENDED: Final = {code: char for char, code in _EXTENSION.items()}


def fits(text: str) -> bool:
    """Tell whether the alphabet has every character of `text`."""
    return all(char in _SEPTETS for char in text)


def encode(text: str) -> bytes:
    """The septets of `text`. KeyError for a character that the alphabet lacks: ask `fits` first."""
    return b"".join(_SEPTETS[char] for char in text)


def decode(septets: bytes) -> str:
    """The text of septets that came from outside: never fails, a code that nobody knows becomes U+FFFD.

    An extension that nobody knows shows as its basic character, as 23.038 asks of a phone.
    """
    chars = []
    escaped = False
    for code in septets:
        if code >= len(_BASIC):
            chars.append("\ufffd")
            escaped = False
        elif code == _ESCAPE and not escaped:
            escaped = True
        else:
            basic = " " if code == _ESCAPE else _BASIC[code]
            chars.append(_EXTENDED.get(code, basic) if escaped else basic)
            escaped = False
    return "".join(chars)
