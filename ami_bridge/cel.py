"""What Asterisk's own record (CEL, as `dialplans/saikoku-cel.conf` has it written) says of channels: a pure parser.

For `cel_file`, which reads the file, and the settling of what AMI missed. A line is an event. Lines can be cut off (the
disk was full, Asterisk was killed while it wrote), can stand twice, and hold bytes of any code: what cannot be read is
passed over, and says nothing. Times are seconds since 1970, by the PBX's clock.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ami_bridge import variables as names

COLUMNS: Final = (
    "eventtype", "eventtime", "CALLERID(num)", "CHANNEL(exten)", "CHANNEL(context)", "CHANNEL(channame)",
    "CHANNEL(uniqueid)", "CHANNEL(linkedid)", "eventextra", "CHANNEL(appname)", "CHANNEL(appdata)",
)  # fmt: skip
"""The columns of a line, in order: what `saikoku-cel.conf` asks for."""

_FIRST_COLUMNS: Final = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what happened to the channel `uniqueid`. `context` is where it then stood in the dialplan."""

    kind: str
    at: float
    context: str
    channel: str
    uniqueid: str
    extra: str
    app: str
    data: str


@dataclass(frozen=True, slots=True)
class History:
    """All that the record says of one channel; None for what it does not say.

    `joined` and `seat`: it entered an operator's room. `caller` holds the headers of the dialplan's event for a call that
    came in. `source` is who ended it: the channel itself (the far end hung up), `dialplan/…`, or nothing (AMI, a shutdown).
    """

    uniqueid: str
    channel: str = ""
    began: float | None = None
    answered: float | None = None
    joined: float | None = None
    seat: str | None = None
    refused: bool = False
    machine: float | None = None  # when the dialplan took it for an answering machine
    caller: Mapping[str, str] | None = None
    rang: float | None = None  # when a call that came in was announced
    ended: float | None = None
    cause: int | None = None
    source: str = ""
    context: str = ""  # where it ended


def when(line: bytes) -> float | None:
    """The time of a line, without reading the rest of it; None if it has none."""
    fields = line.split(b'"', 4)
    if len(fields) <= 2 * _FIRST_COLUMNS - 1:
        return None
    return _seconds(fields[3].decode("ascii", "replace"))


def entry(line: bytes) -> Entry | None:
    """One line, with its end of line; None for one that is cut off or not of our form."""
    if not line.endswith(b"\n"):
        return None
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")], strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != len(COLUMNS):
        return None
    kind, time, _, _, context, channel, uniqueid, _, extra, app, data = rows[0]
    at = _seconds(time)
    if at is None or not uniqueid:
        return None
    return Entry(kind, at, context, channel, uniqueid, extra, app, data)


def histories(lines: Iterable[bytes]) -> dict[str, History]:
    """What the lines say, by the channel's Uniqueid. The order of the lines does not matter, nor does a line twice."""
    found: dict[str, History] = {}
    for line in lines:
        if one := entry(line):
            so_far = found.get(one.uniqueid) or History(one.uniqueid)
            found[one.uniqueid] = _with(so_far, one)
    return found


def _with(so_far: History, one: Entry) -> History:
    match one.kind:
        case "CHAN_START":
            return replace(so_far, channel=one.channel, began=_first(so_far.began, one.at))
        case "ANSWER":
            return replace(so_far, answered=_first(so_far.answered, one.at))
        case "APP_START":
            return _with_app(so_far, one)
        case "HANGUP":
            extra = _json(one.extra)
            cause, source = extra.get("hangupcause"), extra.get("hangupsource")
            return replace(
                so_far,
                channel=one.channel,
                ended=_first(so_far.ended, one.at),
                cause=cause if isinstance(cause, int) else None,
                source=source if isinstance(source, str) else "",
                context=one.context,
            )
        case _:
            return so_far


def _with_app(so_far: History, one: Entry) -> History:
    first, *rest = one.data.split(",")
    if one.app == "ConfBridge" and (seat := names.seat_of(first)) is not None:
        if so_far.joined is not None and so_far.joined <= one.at:
            return so_far
        return replace(so_far, joined=one.at, seat=seat)
    if one.app == "UserEvent" and first == names.EVENT_INCOMING:
        pairs = (part.partition(": ") for part in rest)
        return replace(so_far, rang=_first(so_far.rang, one.at), caller={name: value for name, _, value in pairs})
    if one.app == "UserEvent" and first == names.EVENT_REFUSED:
        return replace(so_far, refused=True)
    if one.app == "UserEvent" and first == names.EVENT_MACHINE:
        return replace(so_far, machine=_first(so_far.machine, one.at))
    return so_far


def _first(before: float | None, at: float) -> float:
    return at if before is None else min(before, at)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _json(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
