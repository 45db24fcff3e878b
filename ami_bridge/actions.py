"""The AMI actions this product uses, each built from checked arguments, for whoever sends over `AmiLink`.

`values.refuse_injection` keeps line breaks out of every field. The checks here keep apart what Asterisk itself would
take apart: it splits `Variable` at commas, joins the arguments of MixMonitor with commas (the third is a shell
command), and takes a Channel between slashes as a regular expression. All raise BadArgument; nothing is sent.

Parameters and privileges: `manager show command NAME` on the Asterisk console.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ami_bridge.errors import BadArgument
from ami_bridge.values import Action

_CHANNEL = re.compile(r"[A-Za-z0-9_]+/[A-Za-z0-9_.:;@/+*#=~!%()-]{1,240}")
_CHANNEL_ID = re.compile(r"[A-Za-z0-9._-]{1,140}")  # AST_MAX_PUBLIC_UNIQUEID is 149, and Local channels add ";2"
_WORD = re.compile(r"[A-Za-z0-9_.*#+-]{1,79}")  # AST_MAX_EXTENSION and AST_MAX_CONTEXT are 80
_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,76}")  # a name such as SHELL(…) would call a function
_NUMBER = re.compile(r"\+?[0-9*#]{1,30}")
_FILE = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_OPTIONS = re.compile(r"[A-Za-z0-9_()]{0,60}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_CODECS = re.compile(r"[a-z0-9,]{1,60}")
_EVENT = re.compile(r"[A-Za-z0-9]{1,60}")
# what ast_app_separate_args (main/app.c) gives a meaning; a backslash before takes it away
_SPLITTERS = re.compile(r'[\\",()\[\]]')

_DIRECTIONS = {"both", "read", "write"}


def _checked(pattern: re.Pattern[str], field: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise BadArgument(f"{field} is empty, too long or has a character that Asterisk would read as something else")
    return value


def _channel(value: str, field: str = "Channel") -> str:
    return _checked(_CHANNEL, field, value)


def _call(value: str) -> str:
    """Asterisk looks a call up by its channel's name, then by its Uniqueid (ast_channel_get_by_name, main/channel.c)."""
    return value if _CHANNEL_ID.fullmatch(value) else _channel(value)


def _within(field: str, value: int, low: int, high: int) -> str:
    if not low <= value <= high:
        raise BadArgument(f"{field} must be {low} to {high}, not {value}")
    return str(value)


def _place(context: str, exten: str, priority: int) -> tuple[tuple[str, str], ...]:
    return (
        ("Context", _checked(_WORD, "Context", context)),
        ("Exten", _checked(_WORD, "Exten", exten)),
        ("Priority", _within("Priority", priority, 1, 9999)),
    )


def _caller_id(number: str, name: str) -> str:
    _checked(_NUMBER, "CallerID", number)
    if any(mark in name for mark in '"<>\\'):
        raise BadArgument("a caller's name must not hold quotes, angle brackets or backslashes")
    return f'"{name}" <{number}>' if name else f"<{number}>"


def _variable(name: str, value: str) -> tuple[str, str]:
    """One Variable line a variable; what would split it or vanish from it is escaped (tried on Asterisk 22)."""
    _checked(_VARIABLE, "Variable", name)
    return "Variable", name + "=" + _SPLITTERS.sub(r"\\\g<0>", value)


# -- calls ------------------------------------------------------------------------------------------------------------


def originate(
    channel: str,
    *,
    channel_id: str,
    context: str,
    exten: str,
    priority: int = 1,
    timeout_ms: int,
    caller_id: str | None = None,
    caller_name: str = "",
    variables: Mapping[str, str] | None = None,
    other_channel_id: str | None = None,
    account: str | None = None,
    codecs: str | None = None,
    early_media: bool = False,
) -> Action:
    """Call `channel`; once it answers it runs the dialplan at the place given. Always asynchronous.

    The reply only says "queued". `channel_id` (the attempt's id) becomes the Uniqueid, and the tag of the
    OriginateResponse event that follows. While a channel with that id lives, a second one ends there with Reason 0.
    `other_channel_id` is for the second half of a Local channel, otherwise `channel_id` with ";2" after it.
    """
    fields = [
        ("Channel", _channel(channel)),
        ("ChannelId", _checked(_CHANNEL_ID, "ChannelId", channel_id)),
        *_place(context, exten, priority),
        ("Timeout", _within("Timeout", timeout_ms, 1, 3_600_000)),
        ("Async", "true"),
    ]
    if caller_id is not None:
        fields.append(("CallerID", _caller_id(caller_id, caller_name)))
    if other_channel_id is not None:
        fields.append(("OtherChannelId", _checked(_CHANNEL_ID, "OtherChannelId", other_channel_id)))
    if account is not None:
        fields.append(("Account", _checked(_ID, "Account", account)))
    if codecs is not None:
        fields.append(("Codecs", _checked(_CODECS, "Codecs", codecs)))
    if early_media:
        fields.append(("EarlyMedia", "true"))
    fields += [_variable(name, value) for name, value in (variables or {}).items()]
    return Action("Originate", tuple(fields), tag=channel_id)


def hangup(channel: str, cause: int = 16) -> Action:
    """End a call, by its channel or its Uniqueid; `cause` is a Q.850 cause (16: normal clearing)."""
    return Action("Hangup", (("Channel", _call(channel)), ("Cause", _within("Cause", cause, 1, 127))))


def redirect(channel: str, context: str, exten: str, priority: int = 1) -> Action:
    """Move a call, by its channel or its Uniqueid, to another place in the dialplan (a conference, hold, an officer)."""
    return Action("Redirect", (("Channel", _call(channel)), *_place(context, exten, priority)))


def bridge(channel: str, other: str) -> Action:
    """Join two calls directly."""
    fields = (("Channel1", _channel(channel, "Channel1")), ("Channel2", _channel(other, "Channel2")), ("Tone", "no"))
    return Action("Bridge", fields)


def play_dtmf(channel: str, digit: str) -> Action:
    """Send one tone."""
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        raise BadArgument("Digit must be one of 0-9 * # A-D")
    return Action("PlayDTMF", (("Channel", _channel(channel)), ("Digit", digit)))


def set_var(channel: str, name: str, value: str) -> Action:
    """Set a variable of a call, by its channel or its Uniqueid. Setvar takes the value whole: nothing is escaped."""
    fields = (
        ("Channel", _call(channel)),
        ("Variable", _checked(_VARIABLE, "Variable", name)),
        ("Value", value),
    )
    return Action("Setvar", fields)


def get_var(channel: str, name: str) -> Action:
    """Read a variable of a call; the reply carries it as `Value`."""
    return Action("Getvar", (("Channel", _channel(channel)), ("Variable", _checked(_VARIABLE, "Variable", name))))


# -- operators' conferences -------------------------------------------------------------------------------------------


def _confbridge(name: str, conference: str, channel: str) -> Action:
    fields = (("Conference", _checked(_WORD, "Conference", conference)), ("Channel", _channel(channel)))
    return Action(name, fields)


def confbridge_mute(conference: str, channel: str) -> Action:
    """Silence one member."""
    return _confbridge("ConfbridgeMute", conference, channel)


def confbridge_unmute(conference: str, channel: str) -> Action:
    """Let one member be heard again."""
    return _confbridge("ConfbridgeUnmute", conference, channel)


def confbridge_kick(conference: str, channel: str) -> Action:
    """Put one member out of the conference; its dialplan goes on."""
    return _confbridge("ConfbridgeKick", conference, channel)


def confbridge_list(conference: str) -> Action:
    """The members of one conference. Asterisk refuses this when there is nobody in it."""
    return Action("ConfbridgeList", (("Conference", _checked(_WORD, "Conference", conference)),), listed=True)


def confbridge_list_rooms() -> Action:
    """The conferences in use. Asterisk refuses this when there is none."""
    return Action("ConfbridgeListRooms", listed=True)


# -- recordings -------------------------------------------------------------------------------------------------------


def mixmonitor(channel: str, file: str, options: str = "") -> Action:
    """Record a call into `file`. The shell command MixMonitor could run afterwards can not be given.

    With the option `i(NAME)` the reply carries `MixMonitorID`.
    """
    if ".." in _checked(_FILE, "File", file).split("/"):
        raise BadArgument("File must not climb out of its folder")
    fields = (("Channel", _channel(channel)), ("File", file), ("Options", _checked(_OPTIONS, "Options", options)))
    return Action("MixMonitor", fields)


def stop_mixmonitor(channel: str, mixmonitor_id: str | None = None) -> Action:
    """End one recording of a call, or all."""
    if mixmonitor_id is None:
        return Action("StopMixMonitor", (("Channel", _channel(channel)),))
    monitor = _checked(_ID, "MixMonitorID", mixmonitor_id)
    return Action("StopMixMonitor", (("Channel", _channel(channel)), ("MixMonitorID", monitor)))


def mixmonitor_mute(channel: str, *, muted: bool, direction: str = "both") -> Action:
    """Leave a part out of the recordings of a call, by its channel or its Uniqueid (a card number), or go on. `direction`: both, read or write."""
    if direction not in _DIRECTIONS:
        raise BadArgument("Direction must be both, read or write")
    fields = (("Channel", _call(channel)), ("Direction", direction), ("State", "1" if muted else "0"))
    return Action("MixMonitorMute", fields)


# -- what is there ----------------------------------------------------------------------------------------------------


def core_show_channels() -> Action:
    """Every channel there is: the truth to reconcile with after a lost link."""
    return Action("CoreShowChannels", listed=True)


def status(channel: str) -> Action:
    """One channel in detail. Asterisk refuses this when it is gone."""
    return Action("Status", (("Channel", _channel(channel)),), listed=True)


def bridge_list() -> Action:
    """Every bridge there is."""
    return Action("BridgeList", listed=True)


def bridge_info(bridge_id: str) -> Action:
    """The members of one bridge, by its BridgeUniqueid."""
    return Action("BridgeInfo", (("BridgeUniqueid", _checked(_CHANNEL_ID, "BridgeUniqueid", bridge_id)),), listed=True)


def queue_status(queue: str | None = None) -> Action:
    """Members and callers of one queue, or of all."""
    fields = () if queue is None else (("Queue", _checked(_WORD, "Queue", queue)),)
    return Action("QueueStatus", fields, listed=True)


def core_settings() -> Action:
    """Version and limits of this Asterisk (`AsteriskVersion`, `CoreMaxCalls`)."""
    return Action("CoreSettings")


def without_events(name: str) -> Action:
    """Let Asterisk hold back the events whose name starts so, on this link only (needs the `system` privilege)."""
    return Action("Filter", (("Operation", "Add"), ("Filter", f"!Event: {_checked(_EVENT, 'Event', name)}")))
