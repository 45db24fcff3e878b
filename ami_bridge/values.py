"""What goes over the manager link, as frozen values: headers, actions, events, replies, the state of the link.

An AMI packet is a list of `Key: value` lines. Keys are compared without case and may repeat (`Variable`, `Output`).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ami_bridge.errors import BadArgument, InjectionError

# main/manager.c reads a line into a buffer of 1,024 bytes and drops the whole packet when it does not fit;
# it keeps 128 headers of a packet. A little is left for ActionID.
LINE_BYTES = 1000
MAX_FIELDS = 120

_TAGGED = re.compile(r"saikoku-[0-9a-f]+-[0-9]+/(.+)")


def refuse_injection(key: str, value: str) -> None:
    """The one place that keeps CR, LF and NUL, lines too long and text without an encoding away from Asterisk.

    Raises InjectionError or BadArgument. The message names the key only: the value may be personal, or a secret.
    """
    for text in (key, value):
        if any(mark in text for mark in "\r\n\0"):
            raise InjectionError(f"a line break or NUL in the field {key!a} would start a second action")
    if not key or ":" in key or key != key.strip():
        raise BadArgument(f"{key!a} is not the name of an AMI field")
    try:
        size = len(f"{key}: {value}".encode())
    except UnicodeEncodeError as error:
        raise BadArgument(f"the field {key!a} holds text that UTF-8 cannot carry") from error
    if size > LINE_BYTES:
        raise BadArgument(f"the field {key!a} is {size} bytes long; Asterisk takes {LINE_BYTES}")


class Headers(Mapping[str, str]):
    """The lines of a packet: keys without case, in the order they came, never changed.

    A key that came several times reads as its first value; `all` gives every one.
    """

    __slots__ = ("_lines", "_names")

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        for key, value in lines:
            self._names.setdefault(key.lower(), key)
            self._lines.setdefault(key.lower(), []).append(value)

    def __getitem__(self, key: str) -> str:
        return self._lines[key.lower()][0]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        """Names only: values are phone numbers and people's names."""
        return f"Headers({', '.join(self)})"

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of a repeated key, in order; empty if it never came."""
        return tuple(self._lines.get(key.lower(), ()))


@dataclass(frozen=True, slots=True)
class Action:
    """One request to Asterisk.

    `fields` may repeat a key. `listed`: the answer is a list of events that ends with `EventList: Complete`.
    `tag` travels in the ActionID and comes back in every event this action causes (see `Event.tag`).
    """

    name: str
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    listed: bool = False
    tag: str = ""

    def __post_init__(self) -> None:
        for key, value in (("Action", self.name), ("ActionID", self.tag), *self.fields):
            refuse_injection(key, value)
        if any(key.lower() in {"action", "actionid"} for key, _ in self.fields):
            raise BadArgument("Action and ActionID are set by the link itself")
        if len(self.fields) > MAX_FIELDS:
            raise BadArgument(f"{self.name} has {len(self.fields)} fields; Asterisk keeps {MAX_FIELDS}")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in Asterisk. `generation` is that of the link it came over (see `LinkState`).

    `own`: caused by an action that was sent over this very link. Asterisk tells every manager connection of it.
    """

    name: str
    headers: Headers
    generation: int = 0
    own: bool = False

    def __getitem__(self, key: str) -> str:
        return self.headers[key]

    def get(self, key: str, default: str = "") -> str:
        return self.headers.get(key, default)

    @property
    def tag(self) -> str | None:
        """The `tag` of the action of ours (of this process or an earlier one) that caused this event."""
        found = _TAGGED.fullmatch(self.get("ActionID"))
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer; `events` are the entries of a listed action, without the closing `…Complete`."""

    headers: Headers
    events: tuple[Event, ...] = ()

    @property
    def message(self) -> str:
        return self.headers.get("Message", "")


class Phase(enum.Enum):
    """Where the link stands."""

    DOWN = "down"
    RECONCILING = "reconciling"  # logged in; only the reconciler may send
    UP = "up"
    REFUSED = "refused"  # the login was refused: an admin must act
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkState:
    """`generation` counts the connections: an event or a call known from a lower one must be reconciled."""

    phase: Phase
    generation: int
    reason: str = ""

    @property
    def up(self) -> bool:
        return self.phase is Phase.UP


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach one Asterisk, and how patient to be. All durations in seconds."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: bool = False
    ca_file: str | None = None
    # `dialplan` (Newexten, VarSet: two thirds of all events), `dtmf`, `reporting` (RTCP) and `cdr` are left out at the
    # source. `system` carries FullyBooted, without which nobody knows whether Asterisk may be asked to dial.
    events: str = "system,call,agent,user"
    connect_deadline: float = 5.0
    boot_deadline: float = 120.0
    action_deadline: float = 10.0
    ping_interval: float = 10.0
    ping_deadline: float = 5.0
    first_retry: float = 0.5
    # Nobody is joined to an operator while the link is down, so the next try is never far off.
    longest_retry: float = 5.0
    stable_after: float = 10.0
    max_in_flight: int = 64
    originates_per_second: float | None = None

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"
