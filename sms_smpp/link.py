"""The standing link to one carrier: it connects, binds, serves, and starts again when lost.

For the sender (submissions) and the register (deliveries, by `Keep`). With `tx_rx` it is two connections that live and
die together. Nothing that passes over the link is logged: it holds phone numbers, texts and secrets.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from typing import Any

from db.timing import Backoff, RealTime, Time
from sms_smpp.errors import BindRefused, LinkLost
from sms_smpp.pdu import Address, Queried, Submission, bind
from sms_smpp.session import Session, first_done
from sms_smpp.values import Keep, LinkSettings, LinkState, NotSent, Outcome, Phase

log = logging.getLogger(__name__)


def tls_context(settings: LinkSettings) -> ssl.SSLContext | None:
    """A context that verifies the carrier's certificate and name, against `ca_file` if it is given."""
    return ssl.create_default_context(cafile=settings.ca_file) if settings.tls else None


class SmppLink:
    """`run` is the link's life, in a task of the daemon; everything else may be called beside it."""

    def __init__(
        self,
        settings: LinkSettings,
        keep: Keep,
        *,
        time: Time | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        bind("transceiver", 0, settings.system_id, settings.password, settings.system_type)  # BadField stops the start
        self._settings = settings
        self._tls = tls_context(settings)
        self._keep = keep
        self._time = time or RealTime()
        self._backoff = Backoff(settings.first_retry, settings.longest_retry, chance)
        self._sender: Session | None = None
        self._stopping = asyncio.Event()
        self._state = LinkState(Phase.DOWN, 0, "not started")
        self._changed = asyncio.Event()

    @property
    def state(self) -> LinkState:
        return self._state

    async def until(self, wanted: Callable[[LinkState], bool]) -> LinkState:
        """Wait for a state, for instance `lambda state: state.up`. A state that passes at once may be missed."""
        while not wanted(self._state):
            await self._changed.wait()
        return self._state

    async def submit(self, submission: Submission) -> Outcome:
        """Submit over the link as it stands; never over a later one. See `Session.submit`."""
        if self._sender is None or not self._state.up:
            return NotSent(f"the link is {self._state.phase.value}")
        return await self._sender.submit(submission)

    async def query(self, message_id: str, source: Address) -> Queried | None:
        """Ask what became of a message that the carrier accepted; None if it does not say. Raises LinkLost and BadField."""
        if self._sender is None or not self._state.up:
            raise LinkLost(f"the link is {self._state.phase.value}")
        return await self._sender.query(message_id, source)

    def stop(self) -> None:
        """Let `run` end: what waits is not sent, what was sent is waited for, the carrier is told goodbye."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep the link until `stop` or cancelled. Raises BindRefused, which only an admin can mend: a carrier locks out who
        keeps trying a wrong password."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while not stopping.done():
                await self._one_life(stopping)
                if not stopping.done():
                    await self._rest(stopping)
        except BindRefused as error:
            log.error("%s", error)
            self._become(Phase.REFUSED, str(error))
            raise
        finally:
            stopping.cancel()
            if self._state.phase is not Phase.REFUSED:
                self._become(Phase.CLOSED, "closed by us")

    async def _rest(self, stopping: asyncio.Future[Any]) -> None:
        settings = self._settings
        seconds = self._backoff.next()
        log.warning(
            "link to the carrier at %s lost: %s; next try in %.1f s", settings.where, self._state.reason, seconds
        )
        rest = asyncio.ensure_future(self._time.sleep(seconds))
        try:
            await first_done(rest, stopping)
        finally:
            rest.cancel()

    # -- one connection -----------------------------------------------------------------------------------------------

    async def _one_life(self, stopping: asyncio.Future[Any]) -> None:
        """From connecting to the loss, or to the goodbye."""
        sessions = self._sessions()
        self._become(Phase.DOWN, "connecting", self._state.generation + 1)
        try:
            await self._open(sessions, stopping)
            if not stopping.done():
                await self._serve(sessions, stopping)
        except LinkLost as error:
            self._become(Phase.DOWN, str(error))
        finally:
            self._sender = None
            for session in sessions:
                await session.close()

    def _sessions(self) -> list[Session]:
        """The last one submits. A receiver comes first: what is sent must find somebody who hears of its receipt."""
        if self._settings.bind == "transceiver":
            return [Session(self._settings, "transceiver", self._tls, self._time, self._keep)]
        return [
            Session(self._settings, "receiver", self._tls, self._time, self._keep),
            Session(self._settings, "transmitter", self._tls, self._time, self._keep),
        ]

    async def _open(self, sessions: list[Session], stopping: asyncio.Future[Any]) -> None:
        async def open_all() -> None:
            for session in sessions:
                await session.open()

        opening = asyncio.ensure_future(open_all())
        try:
            await first_done(opening, stopping)
            if opening.done():
                opening.result()
        finally:
            opening.cancel()
            await asyncio.wait([opening])

    async def _serve(self, sessions: list[Session], stopping: asyncio.Future[Any]) -> None:
        settings = self._settings
        since = self._time.now()
        self._sender = sessions[-1]
        log.info("link %d to the carrier at %s is up", self._state.generation, settings.where)
        self._become(Phase.UP, "")
        ends = [future for session in sessions for future in (session.lost, session.failed)]
        await first_done(stopping, *ends)
        _raise_bugs(sessions)
        reason = next((session.lost.result() for session in sessions if session.lost.done()), "being closed")
        self._become(Phase.DOWN, reason)
        # A link that comes and goes must not be remade at full speed for ever.
        if self._time.now() - since >= settings.stable_after:
            self._backoff.reset()
        if stopping.done():
            for session in reversed(sessions):
                await session.unbind()
            _raise_bugs(sessions)

    def _become(self, phase: Phase, reason: str, generation: int | None = None) -> None:
        self._state = LinkState(phase, self._state.generation if generation is None else generation, reason)
        self._changed.set()
        self._changed = asyncio.Event()


def _raise_bugs(sessions: list[Session]) -> None:
    for session in sessions:
        if session.failed.done():
            session.failed.result()
