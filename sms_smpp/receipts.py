"""Delivery receipts (S4), from optional parameters or from the carrier's text; and which message one belongs to.

A receipt is believed to be one only by what the carrier itself sets (`esm_class`, `receipted_message_id`): anybody can
write `id:… stat:DELIVRD` into a message.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from db.rules.texts import alphabet
from sms_smpp.pdu import MESSAGE_STATE, NETWORK_ERROR_CODE, RECEIPTED_MESSAGE_ID, Delivery, Queried

_KIND: Final = 0b00111100
_RECEIPTS: Final = frozenset({0x04, 0x20})  # SMSC delivery receipt, intermediate notification
_HAS_HEADER: Final = 0x40

_FIELD: Final = re.compile(r"\b(id|stat|err):\s*(\S+)", re.IGNORECASE)
_QUOTE: Final = re.compile(r"\btext:", re.IGNORECASE)


class Fate(enum.Enum):
    """What the carrier says of a message; the value is SMPP's `message_state`."""

    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8

    @property
    def is_final(self) -> bool:
        """Whether nothing more is to come."""
        return self not in {Fate.ENROUTE, Fate.ACCEPTED}


_WORDS: Final = {
    "ENROUTE": Fate.ENROUTE,
    "DELIVRD": Fate.DELIVERED,
    "EXPIRED": Fate.EXPIRED,
    "DELETED": Fate.DELETED,
    "UNDELIV": Fate.UNDELIVERABLE,
    "ACCEPTD": Fate.ACCEPTED,
    "UNKNOWN": Fate.UNKNOWN,
    "REJECTD": Fate.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """`reason`: the carrier's own code for what went wrong, as it came; empty if it gave none."""

    message_id: str
    fate: Fate
    reason: str = ""


def receipt_of(delivery: Delivery) -> Receipt | None:
    """The receipt, or None for a message that somebody sent. Optional parameters go before the text, which is free.

    A receipt that names no message has an empty id: it is kept as it came, for a person to look at.
    """
    told = RECEIPTED_MESSAGE_ID in delivery.tlvs
    if not told and delivery.esm_class & _KIND not in _RECEIPTS:
        return None
    said = _said(text_of(delivery))
    identity = _cstring(delivery.tlvs.get(RECEIPTED_MESSAGE_ID, b"")) or said.get("id", "")
    return Receipt(
        identity, _state(delivery) or _WORDS.get(said.get("stat", "").upper(), Fate.UNKNOWN), _reason(delivery, said)
    )


def text_of(delivery: Delivery) -> str:
    """The text that was sent to us, whatever its coding: never fails."""
    octets = delivery.octets
    if delivery.esm_class & _HAS_HEADER and octets:
        octets = octets[1 + octets[0] :]
    coding = delivery.data_coding
    if coding == 0:
        return alphabet.decode(octets)
    if coding in {0x08, 0x18}:  # 0x18: UCS-2 for the message class that the general coding group gives
        return octets.decode("utf-16-be", "replace")
    return octets.decode({0x05: "shift_jis", 0x0A: "iso2022_jp", 0x0D: "euc_jp"}.get(coding, "latin-1"), "replace")


def _said(text: str) -> dict[str, str]:
    """What the text of a receipt says before it quotes the message, where anything may stand."""
    quote = _QUOTE.search(text)
    fields = _FIELD.findall(text[: quote.start()] if quote else text)
    return {key.lower(): value for key, value in reversed(fields)}


def _state(delivery: Delivery) -> Fate | None:
    value = delivery.tlvs.get(MESSAGE_STATE, b"")
    return Fate(value[0]) if len(value) == 1 and 1 <= value[0] <= len(Fate) else None


def fate_of(said: Queried) -> Fate | None:
    """What an answer to `query_sm` says; None for a state that is none."""
    return Fate(said.message_state) if 1 <= said.message_state <= len(Fate) else None


def _reason(delivery: Delivery, said: dict[str, str]) -> str:
    """`network_error_code` is a network type and a number of 16 bits."""
    code = delivery.tlvs.get(NETWORK_ERROR_CODE, b"")
    return f"{code[0]}-{int.from_bytes(code[1:])}" if len(code) == 3 else said.get("err", "")


def _cstring(value: bytes) -> str:
    """Some carriers leave out the NUL at the end."""
    return value.partition(b"\0")[0].decode("ascii", "backslashreplace")


# -- whose receipt it is ------------------------------------------------------------------------------------------------------


def id_key(message_id: str) -> str:
    """By what an id that came with `submit_sm_resp` is kept for comparison: without case and leading zeros."""
    return message_id.strip().casefold().lstrip("0") or "0"


def id_candidates(message_id: str) -> tuple[str, ...]:
    """The `id_key`s that a receipt may mean, likeliest first: carriers answer in hex and report in decimal, or the reverse.

    Two of them can belong to two messages; the right one went to the number that the receipt comes from.
    """
    key = id_key(message_id)
    found = [key]
    if key.isascii() and key.isdecimal():
        found.append(f"{int(key):x}")
    if re.fullmatch("[0-9a-f]{1,64}", key):
        found.append(str(int(key, 16)))
    return tuple(dict.fromkeys(found))
