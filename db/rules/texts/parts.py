"""A text as the parts that go over the air: coding by content, own splitter, headers that join the parts again.

Sizes are those of 3GPP TS 23.040: 140 octets a part, less the header that joins it to the others. A unit is a part: what
a carrier charges for.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from db.rules.texts import alphabet
from db.rules.texts.clusters import clusters

_MOST_PARTS: Final = 255
_PAYLOAD_BYTES: Final = 64_000


class Coding(enum.IntEnum):
    """How characters become octets; the value is SMPP's `data_coding`."""

    GSM7 = 0x00
    UCS2 = 0x08


class Joining(enum.StrEnum):
    """How a carrier wants a text that is longer than one part."""

    UDH8 = "udh8"  # parts with a header and a reference of 8 bits
    UDH16 = "udh16"  # of 16 bits: a part is one character shorter
    PAYLOAD = "message_payload"  # whole; the carrier cuts it


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a route takes. `longest` in UTF-16 units (UCS-2) or septets (GSM), as carriers count characters.

    `gsm7`: many carriers read `data_coding` 0 as an alphabet of their own; without it all goes as UCS-2.
    """

    joining: Joining = Joining.UDH8
    longest: int = 670
    gsm7: bool = True


class TextError(ValueError):
    """The text cannot be sent as it is; the message says why, in Japanese."""

    code = "text"


_ALONE: Final = {Coding.GSM7: 160, Coding.UCS2: 70}
_JOINED: Final = {
    (Coding.GSM7, Joining.UDH8): 153,
    (Coding.GSM7, Joining.UDH16): 152,
    (Coding.UCS2, Joining.UDH8): 67,
    (Coding.UCS2, Joining.UDH16): 66,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One short message: the header that joins it (empty if it stands alone) and its coded text."""

    header: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Composition:
    """A text that may be sent. `shown`: what the phone will show; `pieces`: how it is cut over the air.

    `length`, and `room` in all these pieces, are counted in UTF-16 units or septets.
    """

    shown: str
    coding: Coding
    joining: Joining
    pieces: tuple[str, ...]

    @property
    def units(self) -> int:
        """How many messages the carrier charges; for `message_payload` as most carriers cut."""
        return len(self.pieces)

    @property
    def length(self) -> int:
        return _size(self.coding)(self.shown)

    @property
    def room(self) -> int:
        return _room(self.coding, self.joining) * self.units if self.units > 1 else _ALONE[self.coding]

    def parts(self, reference: int) -> tuple[Part, ...]:
        """What to submit. `reference` counts the messages to this recipient, so that a phone never joins two of them."""
        if self.joining is Joining.PAYLOAD or self.units == 1:
            return (Part(b"", self._encoded(self.shown)),)
        return tuple(
            Part(self._header(reference, number), self._encoded(piece)) for number, piece in enumerate(self.pieces, 1)
        )

    def _encoded(self, text: str) -> bytes:
        return alphabet.encode(text) if self.coding is Coding.GSM7 else text.encode("utf-16-be")

    def _header(self, reference: int, number: int) -> bytes:
        if self.joining is Joining.UDH16:
            return bytes((6, 0x08, 4, reference >> 8 & 0xFF, reference & 0xFF, self.units, number))
        return bytes((5, 0x00, 3, reference & 0xFF, self.units, number))


def compose(text: str, allowance: Allowance) -> Composition:
    """Choose the coding and cut `text`. TextError if it is empty, too long, or holds what no phone shows."""
    shown = _cleaned(text)
    coding = Coding.GSM7 if allowance.gsm7 and alphabet.fits(shown) else Coding.UCS2
    length = _size(coding)(shown)
    if length > allowance.longest:
        raise TextError(f"{length}文字あります。この経路で送信できるのは{allowance.longest}文字までです。")
    pieces = _cut(shown, coding, allowance.joining)
    if len(pieces) > _MOST_PARTS or length * 2 > _PAYLOAD_BYTES:
        raise TextError(f"{len(pieces)}通に分かれます。1件の本文は{_MOST_PARTS}通までです。")
    return Composition(shown, coding, allowance.joining, pieces)


def _cleaned(text: str) -> str:
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    if not shown.strip():
        raise TextError("本文がありません。")
    for char in shown:
        kind = unicodedata.category(char)
        if kind == "Co":
            raise TextError(f"外字（U+{ord(char):04X}）は携帯電話に表示されません。別の文字に置き換えてください。")
        if kind in {"Cc", "Cs"} and char != "\n":
            raise TextError(f"本文に使えない制御文字（U+{ord(char):04X}）が含まれています。")
    return shown


def _cut(text: str, coding: Coding, joining: Joining) -> tuple[str, ...]:
    size = _size(coding)
    if size(text) <= _ALONE[coding]:
        return (text,)
    room = _room(coding, joining)
    pieces: list[str] = []
    piece, used = "", 0
    for cluster in clusters(text):
        more = size(cluster)
        if more > room:
            raise TextError("結合文字が多すぎて1通に収まらない文字が含まれています。")
        if used + more > room:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + cluster, used + more
    return (*pieces, piece)


def _room(coding: Coding, joining: Joining) -> int:
    """What a joined part holds. Carriers that cut a payload themselves use references of 8 bits."""
    return _JOINED[coding, Joining.UDH8 if joining is Joining.PAYLOAD else joining]


def _size(coding: Coding) -> Callable[[str], int]:
    return _septets if coding is Coding.GSM7 else _utf16_units


def _septets(text: str) -> int:
    return len(alphabet.encode(text))


def _utf16_units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)
