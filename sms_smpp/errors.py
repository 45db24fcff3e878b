"""What can go wrong between us and a carrier's SMSC, apart from the outcome of a message (`values.Outcome`)."""

from __future__ import annotations

from typing import ClassVar


class SmppError(Exception):
    """Base of all errors of the link; `code` is stable and safe to store and to compare."""

    code: ClassVar[str] = "smpp.error"


class BadField(SmppError, ValueError):  # noqa: N818 - it names an outcome
    """A value that SMPP cannot carry, or that smpplib would cut in silence. Nothing was sent."""

    code = "smpp.bad_field"


class Malformed(SmppError):  # noqa: N818 - it names an outcome
    """The body of a PDU does not hold what its command says. The stream is intact: the next PDU can be read."""

    code = "smpp.malformed"


class FramingLost(SmppError):  # noqa: N818 - it names an outcome
    """A `command_length` that cannot be: where the next PDU begins is not known any more."""

    code = "smpp.framing_lost"


class LinkLost(SmppError):  # noqa: N818 - it names an outcome
    """The link could not be made, or was lost while it was being made."""

    code = "smpp.link_lost"


class BindRefused(SmppError):  # noqa: N818 - it names an outcome
    """The carrier does not know the system_id or the password. Waiting does not mend it."""

    code = "smpp.bind_refused"

    def __init__(self, system_id: str, where: str, reason: str) -> None:
        super().__init__(
            f"the carrier at {where} refused system_id {system_id!r} ({reason}): "
            f"check SAIKOKU_SMPP_SYSTEM_ID and the password with the carrier"
        )


class NotStored(SmppError):  # noqa: N818 - it names an outcome
    """Raised by whoever takes deliveries: they could not be written down now, and the carrier shall send them again."""

    code = "smpp.not_stored"
