"""What goes over the link as frozen values: settings, the state of the link, and what became of a submission."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from smpplib import consts

from sms_smpp.pdu import Delivery, Submission

_NAMES: Final[dict[int, str]] = {
    value: name.removeprefix("SMPP_") for name, value in vars(consts).items() if name.startswith("SMPP_ESME_")
}


def status_name(status: int) -> str:
    """The name that the specification gives a `command_status`, else its number."""
    return _NAMES.get(status, f"0x{status:08x}")


# -- what became of a submission --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has it. Some carriers give no id: then no receipt can be matched."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no, for good; `status` is its `command_status`."""

    status: int

    @property
    def reason(self) -> str:
        return status_name(self.status)


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not with the carrier: it may be sent again, over another route too."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was written, and no answer came: it may have been sent. Nothing sends it again by itself."""

    reason: str


Outcome = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """The answer to a submission of which `Unknown` was already said, or whose caller was cancelled.

    A convenience: it is not repeated if it cannot be kept, and then the outcome stays unknown.
    """

    submission: Submission
    outcome: Outcome


Arrival = Delivery | LateAnswer
Keep = Callable[[Sequence[Arrival]], Awaitable[None]]
"""Writes arrivals down, in one transaction: only when it returns are they acknowledged to the carrier. It must bear to be
handed the same ones again, and take whatever they say. NotStored makes the carrier send them again; any other exception is a bug
and ends `SmppLink.run`."""


# -- the link -----------------------------------------------------------------------------------------------------------------


class Phase(enum.Enum):
    """Where the link stands."""

    DOWN = "down"
    UP = "up"
    REFUSED = "refused"  # the carrier does not know us: an admin must act
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkState:
    """`generation` counts the connections."""

    phase: Phase
    generation: int
    reason: str = ""

    @property
    def up(self) -> bool:
        return self.phase is Phase.UP


Bind = Literal["transceiver", "tx_rx"]


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach one carrier, what was agreed with it, and how patient to be. All durations in seconds.

    `window`: submissions without an answer at a time; `per_second`: submissions a second. `deliveries`: when so many
    wait to be stored, the carrier is not read until there are fewer. An answer is waited for between one
    and two `response_deadline`s. `throttle_patience`: so long a submission is tried again that the carrier has no room for.
    """

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    bind: Bind = "transceiver"
    tls: bool = False
    ca_file: str | None = None
    window: int = 50
    per_second: float | None = None
    deliveries: int = 100
    connect_deadline: float = 10.0
    bind_deadline: float = 10.0
    response_deadline: float = 30.0
    enquire_interval: float = 30.0
    enquire_deadline: float = 10.0
    unbind_deadline: float = 5.0
    first_throttle: float = 1.0
    longest_throttle: float = 30.0
    throttle_patience: float = 300.0
    first_retry: float = 1.0
    longest_retry: float = 60.0
    stable_after: float = 60.0

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"
