"""What `saikoku doctor` asks a carrier: whether it can be reached, knows us, and answers. No message is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from db.findings import Finding, bad, ok, warn
from db.settings import Settings, SmppSettings
from db.timing import RealTime
from sms_smpp.carriers import link_settings, route_of
from sms_smpp.errors import BindRefused, SmppError
from sms_smpp.link import tls_context
from sms_smpp.session import Session
from sms_smpp.values import Arrival


async def check_carriers(settings: Settings) -> list[Finding]:
    """Everything about the carriers of the settings. Raises SettingError."""
    if not settings.carriers:
        return [ok("no carrier is set (smpp.host): messages to phones are off")]
    found: list[Finding] = []
    for section, carrier in settings.carriers.items():
        route_of(section, carrier)
        found += [*in_the_clear(section, carrier), await _bound(section, carrier)]
    return found


def in_the_clear(section: str, carrier: SmppSettings) -> Iterator[Finding]:
    """SMPP itself carries the password, numbers and texts as they are."""
    if not carrier.tls:
        yield warn(
            f"the link to {carrier.host} is not encrypted ({section}.tls = false)",
            "right only within a closed network or a VPN up to the carrier",
        )


async def _bound(section: str, carrier: SmppSettings) -> Finding:
    """Bind as a transmitter (so that no reply comes our way), enquire, and say goodbye."""
    settings = link_settings(section, carrier)
    session = Session(settings, "transmitter", tls_context(settings), RealTime(), _nothing)
    try:
        await session.open()
        await session.enquire()
    except BindRefused as error:
        return bad(str(error), "a carrier may lock out who keeps trying: ask it before you try again")
    except SmppError as error:
        mend = f"compare {section}.host, port and tls with the carrier's papers; is the way out of the network open?"
        return bad(f"no SMPP link to {settings.where}: {error}", mend)
    else:
        await session.unbind()
        return ok(f"the carrier at {settings.where} takes the bind of {carrier.system_id!r} and answers enquire_link")
    finally:
        await session.close()


async def _nothing(arrivals: Sequence[Arrival]) -> None:
    """A transmitter is handed nothing."""
