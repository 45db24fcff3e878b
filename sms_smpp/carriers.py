"""The carriers of the settings: for each its link and its route.

What is wrong in the settings stops the start with the key; what only the carrier can know comes out when the link is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from db.settings import SettingError, Settings, SmppSettings
from db.timing import Time
from db.usecases.sms_settings import allowance_of
from sms_smpp.errors import BadField
from sms_smpp.link import SmppLink
from sms_smpp.pdu import Address, Submission, submit_sm
from sms_smpp.routes import Route
from sms_smpp.values import Keep, LinkSettings

THROTTLE_PATIENCE: Final = 10.0
"""Seconds; then a message goes back into the queue, so that the rule of contact is asked again before it goes out."""
_PREFIX: Final = re.compile(r"\+[0-9]{1,15}")
_LONGEST_VALIDITY: Final = 99 * 24  # hours: SMPP has two digits for days


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier. Messages remember their route by its name. `query_after`: without a receipt for so long the carrier is asked
    what became of a message; None: it does not offer that."""

    route: Route
    link: SmppLink
    window: int
    query_after: timedelta | None = None


def carriers_of(settings: Settings, keep: Callable[[Route], Keep], time: Time) -> tuple[Carrier, ...]:
    """All carriers, the preferred one first. `keep` makes what stores the arrivals of a route. Raises SettingError."""
    if not settings.carriers:
        raise SettingError(
            "smpp.host", "", "must name the carrier's host; without it there is nobody to send messages to"
        )
    made = tuple(_carrier(section, one, keep, time) for section, one in settings.carriers.items())
    names = [carrier.route.name for carrier in made]
    for section, name in zip(settings.carriers, names, strict=True):
        if names.count(name) > 1:
            raise SettingError(f"{section}.name", name, "must differ from the other carriers' names")
    return made


def route_of(section: str, carrier: SmppSettings) -> Route:
    """What was agreed about messages. Raises SettingError."""
    if not carrier.sender:
        raise SettingError(f"{section}.sender", "", "must be the sender that is registered with the carrier")
    prefixes = tuple(carrier.prefixes.split())
    if not prefixes or not all(map(_PREFIX.fullmatch, prefixes)):
        raise SettingError(f"{section}.prefixes", carrier.prefixes, "must be prefixes such as +81, with blanks between")
    sender = Address(carrier.sender, carrier.sender_ton, carrier.sender_npi)
    try:
        submit_sm(0, Submission(sender, Address("819000000000"), b"text"))
    except BadField as error:
        raise SettingError(f"{section}.sender", carrier.sender, str(error)) from error
    validity = _validity(section, carrier.validity_hours)
    gone = frozenset(carrier.gone_codes.split())
    return Route(carrier.name, sender, prefixes, carrier.national, allowance_of(carrier), validity, gone)


def link_settings(section: str, carrier: SmppSettings) -> LinkSettings:
    """How to reach it. Raises SettingError."""
    if not 1 <= carrier.window <= 1000:
        raise SettingError(f"{section}.window", carrier.window, "must be from 1 to 1000")
    if not 1 <= carrier.enquire_seconds <= 3600:
        raise SettingError(f"{section}.enquire_seconds", carrier.enquire_seconds, "must be from 1 to 3600")
    return LinkSettings(
        carrier.host, carrier.port, carrier.system_id, carrier.password.reveal(), system_type=carrier.system_type,
        bind=carrier.bind, tls=carrier.tls, ca_file=carrier.ca_file or None, window=carrier.window,
        per_second=float(carrier.rate) if carrier.rate else None, enquire_interval=float(carrier.enquire_seconds),
        throttle_patience=THROTTLE_PATIENCE,
    )  # fmt: skip


def _carrier(section: str, carrier: SmppSettings, keep: Callable[[Route], Keep], time: Time) -> Carrier:
    route = route_of(section, carrier)
    try:
        link = SmppLink(link_settings(section, carrier), keep(route), time=time)
    except BadField as error:
        raise SettingError(section, "…", str(error)) from error
    except OSError as error:
        raise SettingError(f"{section}.ca_file", carrier.ca_file, f"cannot be used ({error.strerror})") from error
    query_after = timedelta(hours=carrier.query_hours) if carrier.query_hours else None
    return Carrier(route, link, carrier.window, query_after)


def _validity(section: str, hours: int) -> str:
    if hours > _LONGEST_VALIDITY:
        raise SettingError(f"{section}.validity_hours", hours, f"must be {_LONGEST_VALIDITY} or less")
    return f"0000{hours // 24:02}{hours % 24:02}0000000R" if hours else ""
