"""Why a FastAGI session ended early. Nothing of this reaches a caller: Asterisk goes on with its dialplan."""


class AgiError(Exception):
    """A session that cannot go on; `code` is stable, the message is for the admin's log and never holds a number."""

    code = "agi"


class PeerGoneError(AgiError):
    """The other side closed the connection: a port probe, or an Asterisk that stopped."""

    code = "agi_peer_gone"


class HungUpError(AgiError):
    """The caller has hung up: an out-of-band HANGUP line, or a channel that is dead (511)."""

    code = "agi_hung_up"


class RequestError(AgiError):
    """What came is not the beginning of a FastAGI session."""

    code = "agi_request"


class ReplyError(AgiError):
    """A reply that is none, or too long."""

    code = "agi_reply"


class CommandError(AgiError):
    """Asterisk did not do what it was told."""

    code = "agi_command"


class UnsafeValueError(AgiError):
    """A value that would break out of its command."""

    code = "agi_unsafe_value"
