"""States of a message to a phone (S4): how far each part has come, and what that makes of the whole.

A state moves forward only, so that a receipt that comes twice, late or before the carrier's answer changes nothing that is known
better. UNKNOWN is for a person to settle; it is never sent again by itself.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.rules.terms import Term


class SmsState(Term):
    """How far a message, or a part of it, has come."""

    QUEUED = "queued", "送信待ち"
    SUBMITTING = "submitting", "送信中"
    ACCEPTED = "accepted", "受付済"
    DELIVERED = "delivered", "到達"
    FAILED = "failed", "不達"
    EXPIRED = "expired", "期限切れ"
    UNKNOWN = "unknown", "結果不明"
    REFUSED = "refused", "送信中止"


FINAL: Final = frozenset({SmsState.DELIVERED, SmsState.FAILED, SmsState.EXPIRED, SmsState.REFUSED})

_OPEN: Final = frozenset({SmsState.ACCEPTED, SmsState.UNKNOWN})
BEFORE: Final[Mapping[SmsState, frozenset[SmsState]]] = {
    SmsState.ACCEPTED: frozenset({SmsState.UNKNOWN}),
    SmsState.UNKNOWN: frozenset({SmsState.ACCEPTED}),
    SmsState.DELIVERED: _OPEN,
    SmsState.FAILED: _OPEN,
    SmsState.EXPIRED: _OPEN,
}
"""From which states a part that was submitted may come into another."""

ANOTHER_HOUR: Final = frozenset({"night", "before_hours", "after_hours", "closed_day", "emergency_stop"})
ANOTHER_DAY: Final = frozenset({"person_day_cap", "household_day_cap", "number_day_cap"})
"""Reasons of `db.rules.eligibility` that a message may wait out."""

NUMBER_GONE: Final[Mapping[str, str]] = {
    "3-1": "契約のない番号",  # GSM 1, unknown subscriber
}
"""What a carrier may say of a number that exists no more, as receipts tell it (network type, number), and in words.

Only what its standard (3GPP TS 29.002) gives one meaning. Not here, because they pass or are of our making: a phone that is off or out of
reach (3-6, 3-27), barred (3-13), without SMS (3-11), and `ESME_RINVDSTADR`, which a route set to the wrong form of numbers
gets for every one of them. The `err:` of a receipt's text is each carrier's own: which of them mean the same is agreed with it.
"""
GONE_BY_CARRIER: Final = "番号なし "
"""Begins the reason of a receipt whose code, by what was agreed with its carrier, says that the number exists no more."""

_OPT_OUT: Final = frozenset({"停止", "配信停止", "送信停止", "拒否", "受信拒否", "不要", "ストップ", "stop", "やめて"})


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What became of submitting one part: ACCEPTED, FAILED, UNKNOWN, or QUEUED for one that surely was not sent.

    `keys`: how the carrier's id may be written in a receipt, its own spelling first. `reason`: the carrier's, or ours.
    """

    state: SmsState
    carrier_id: str = ""
    keys: tuple[str, ...] = ()
    reason: str = ""


def message_state(parts: Sequence[SmsState]) -> SmsState:
    """The state of a message whose parts stand so. Of one that was begun and could not be finished, a phone may show what went
    out or nothing: that is for a person to settle."""
    states = set(parts)
    if states == {SmsState.QUEUED}:
        return SmsState.QUEUED
    for worst in (SmsState.FAILED, SmsState.EXPIRED, SmsState.UNKNOWN):
        if worst in states:
            return worst
    if SmsState.QUEUED in states:
        return SmsState.UNKNOWN
    return SmsState.DELIVERED if states == {SmsState.DELIVERED} else SmsState.ACCEPTED


def is_gone(reason: str) -> bool:
    """Whether a carrier said that the number exists no more."""
    return reason in NUMBER_GONE or reason.startswith(GONE_BY_CARRIER)


def is_opt_out(reply: str) -> bool:
    """Whether somebody wrote no more than that they want no messages; longer words are for a person to read."""
    plain = unicodedata.normalize("NFKC", reply).casefold()
    return "".join(char for char in plain if char.isalnum()) in _OPT_OUT
