"""What carriers hand us, written into the register before it is acknowledged: receipts, replies, and answers that came late."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from db.reference.phones import PhoneError, parse_phone
from db.register import UNAVAILABLE, Register
from db.rules.sms import GONE_BY_CARRIER, PartOutcome, SmsState
from db.usecases import sms_fate
from db.usecases.office import Office
from sms_smpp.errors import NotStored
from sms_smpp.pdu import Delivery
from sms_smpp.receipts import Fate, id_candidates, receipt_of, text_of
from sms_smpp.values import Accepted, Arrival, LateAnswer, Outcome, Refused, Unknown

log = logging.getLogger(__name__)

STATES: Final[Mapping[Fate, SmsState]] = {
    Fate.ENROUTE: SmsState.ACCEPTED,
    Fate.ACCEPTED: SmsState.ACCEPTED,
    Fate.DELIVERED: SmsState.DELIVERED,
    Fate.EXPIRED: SmsState.EXPIRED,
    Fate.DELETED: SmsState.FAILED,
    Fate.UNDELIVERABLE: SmsState.FAILED,
    Fate.REJECTED: SmsState.FAILED,
    Fate.UNKNOWN: SmsState.UNKNOWN,
}
"""What a receipt makes of a part."""


class Inbox:
    """Stores the arrivals of one route; see `values.Keep`."""

    def __init__(
        self, register: Register, route: str, office: Office, writing: asyncio.Lock, gone: Collection[str] = ()
    ) -> None:  # fmt: skip
        """`gone`: the carrier's codes of numbers that do not exist. `writing` is held while arrivals are stored, and by the sender while it settles: a receipt and the answer that names its
        part must not be written at the same time, or neither would see the other."""
        self._register = register
        self._route = route
        self._office = office
        self._writing = writing
        self._gone = gone

    async def __call__(self, arrivals: Sequence[Arrival]) -> None:
        try:
            async with self._writing:
                now = self._register.now()
                await self._register.database.run(store, self._route, arrivals, now, self._office, self._gone)
        except UNAVAILABLE as error:
            log.warning("%d arrivals cannot be stored now (%s)", len(arrivals), type(error.orig).__name__)
            raise NotStored from error


def store(
    tx: Connection, route: str, arrivals: Sequence[Arrival], now: datetime, office: Office, gone: Collection[str] = ()
) -> None:  # fmt: skip
    """Write arrivals down, each as what it is, in their order; receipts that follow each other in one go."""
    for known, some in groupby(
        ((receipt_in(one, gone), one) for one in arrivals), key=lambda pair: pair[0] is not None
    ):
        if known:
            sms_fate.receipts(tx, route, [receipt for receipt, _ in some if receipt], now)
            continue
        for _, arrival in some:
            if isinstance(arrival, LateAnswer):
                _late(tx, arrival, now)
            else:
                sms_fate.reply(tx, route, number_of(arrival), _storable(text_of(arrival)), now, office)


def receipt_in(arrival: Arrival, gone: Collection[str] = ()) -> sms_fate.Receipt | None:
    """What an arrival says of a message of ours, if it is a receipt."""
    if isinstance(arrival, LateAnswer) or (said := receipt_of(arrival)) is None:
        return None
    state = STATES[said.fate]
    reason = "" if state is SmsState.DELIVERED else reason_of(_storable(said.reason), said.fate, gone)
    identity = _storable(said.message_id)
    return sms_fate.Receipt(identity, id_candidates(identity), number_of(arrival), state, reason)


def reason_of(code: str, fate: Fate, gone: Collection[str]) -> str:
    """A carrier's code as it came, or with a word where it was agreed that it means that there is no such number."""
    return f"{GONE_BY_CARRIER}{code}" if code in gone else code or fate.name


def number_of(delivery: Delivery) -> str:
    """Whom it comes from, in E.164 as far as it is a telephone number, else as it came (names, short codes).

    The type of number is not asked: carriers write `8190…`, `+8190…` and `090…` under any of them.
    """
    told = _storable(delivery.source)
    for spelling in (f"+{told}" if told.startswith("81") else told, told):
        try:
            return parse_phone(spelling).e164
        except PhoneError:
            continue
    return told


def part_outcome(outcome: Outcome) -> PartOutcome:
    """What the link says of a submission, in the register's words."""
    if isinstance(outcome, Accepted):
        identity = _storable(outcome.message_id)
        return PartOutcome(SmsState.ACCEPTED, identity, id_candidates(identity) if identity else ())
    if isinstance(outcome, Refused):
        return PartOutcome(SmsState.FAILED, reason=outcome.reason)
    if isinstance(outcome, Unknown):
        return PartOutcome(SmsState.UNKNOWN, reason=outcome.reason)
    return PartOutcome(SmsState.QUEUED, reason=outcome.reason)


def _late(tx: Connection, late: LateAnswer, now: datetime) -> None:
    """Only submissions of ours carry a tag: the message and the number of the part."""
    message, _, part = late.submission.tag.rpartition("/")
    sms_fate.answered_late(tx, uuid.UUID(message), int(part), part_outcome(late.outcome), now)


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
