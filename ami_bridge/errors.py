"""What can go wrong between us and Asterisk's manager interface, for everybody who sends an action.

The tree answers the one question a dialer must ask before it does anything else: may the action have reached Asterisk?

* `NotSent` (and below): surely not. The attempt may be made again.
* `AmiRefused`: it arrived and Asterisk said no.
* `OutcomeUnknown`: it may have arrived. Reconcile with what Asterisk shows; never send it again by itself.
"""

from __future__ import annotations

from typing import ClassVar


class AmiError(Exception):
    """Base of all errors of the link; `code` is stable and safe to store and to compare."""

    code: ClassVar[str] = "ami.error"


class BadArgument(AmiError, ValueError):  # noqa: N818 - it names an outcome
    """A value that Asterisk would read differently from what was meant. Nothing was sent."""

    code = "ami.bad_argument"


class InjectionError(BadArgument):
    """A key or value carries CR, LF or NUL, and could smuggle a second action in. Nothing was sent."""

    code = "ami.injection"


class NotSent(AmiError):  # noqa: N818 - it names an outcome
    """The action was surely not written to Asterisk."""

    code = "ami.not_sent"


class NotConnected(NotSent):
    """There is no link, or it is not yet reconciled."""

    code = "ami.not_connected"


class LinkBusy(NotSent):
    """The deadline passed while the action waited for its turn (actions in flight, originates a second)."""

    code = "ami.busy"


class AmiRefused(AmiError):  # noqa: N818 - it names an outcome
    """Asterisk answered `Response: Error`; `reason` is its own `Message`."""

    code = "ami.refused"

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(f"Asterisk refused {action}: {reason or 'no reason given'}")
        self.action = action
        self.reason = reason


class OutcomeUnknown(AmiError):  # noqa: N818 - it names an outcome
    """The action was written, and the link or the deadline ended before the answer came."""

    code = "ami.outcome_unknown"

    def __init__(self, action: str, why: str) -> None:
        super().__init__(f"whether Asterisk did {action} is unknown: {why}")
        self.action = action
        self.why = why


class LoginRefused(AmiError):  # noqa: N818 - it names an outcome
    """The user name or secret is wrong, or an ACL forbids this address. Waiting does not mend it."""

    code = "ami.login_refused"

    def __init__(self, username: str, where: str, reason: str) -> None:
        super().__init__(
            f"Asterisk at {where} refused the manager user {username!r} ({reason or 'no reason given'}): "
            f"check secret, permit and deny of [{username}] in manager.conf and the AMI settings here"
        )


class LinkLost(AmiError):  # noqa: N818 - it names an outcome
    """The link could not be made, or was lost while it was being made."""

    code = "ami.link_lost"
