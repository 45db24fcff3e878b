"""One logged-in connection to Asterisk, from the greeting to its loss. `AmiLink` makes one after another.

Every action ends: answered (a `Reply`), `AmiRefused`, `NotSent`, or `OutcomeUnknown` once it may have been written and
the link or the deadline ended first. Nothing is ever written twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import panoramisk

from ami_bridge.errors import AmiError, AmiRefused, LinkBusy, LinkLost, LoginRefused, NotConnected, OutcomeUnknown
from ami_bridge.values import Action, Event, LinkSettings, Reply
from ami_bridge.wire import LinkProtocol, Pending, event_of, headers_of, reply_of
from db.timing import Spacing, Time

_PING: Final = Action("Ping")

NOT_NOW: Final = frozenset({"asterisk is shutting down"})
"""Refusals of a log-in that say nothing of who asks (lower case): worth another try later."""
_OPEN: Final[AbstractAsyncContextManager[None]] = contextlib.nullcontext()


def tls_context(settings: LinkSettings) -> ssl.SSLContext | None:
    """A context that verifies the PBX's certificate and name, against `ca_file` if it is given."""
    return ssl.create_default_context(cafile=settings.ca_file) if settings.tls else None


async def first_done(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


class Session:
    """A connection with its logins, pings and actions.."""

    def __init__(
        self,
        settings: LinkSettings,
        tls: ssl.SSLContext | None,
        time: Time,
        generation: int,
        on_event: Callable[[Event], None],
    ) -> None:
        self.generation = generation
        self._settings = settings
        self._tls = tls
        self._time = time
        self._on_event = on_event
        self._mark = f"saikoku-{secrets.token_hex(8)}-"
        self._count = 0
        self._free = asyncio.Semaphore(settings.max_in_flight)
        self._spacing = Spacing(settings.originates_per_second)
        loop = asyncio.get_running_loop()
        self._booted: asyncio.Future[None] = loop.create_future()
        self._protocol = LinkProtocol(self._take_event)
        self._pinger: asyncio.Task[None] | None = None

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done, with the reason, as soon as the connection is of no more use."""
        return self._protocol.lost

    def lose(self, reason: str) -> None:
        self._protocol.lose(reason)

    async def close(self) -> None:
        """End the connection and the pings."""
        if self._pinger is not None:
            self._pinger.cancel()
            await asyncio.wait([self._pinger])
        self.lose("closed by us")
        await self._protocol.wait_closed()

    # -- opening ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, log in, and wait until Asterisk has booted. Raises LinkLost or LoginRefused."""
        settings = self._settings
        await self._connect()
        await self._login()
        self._pinger = asyncio.create_task(self._ping())
        await self._expect(
            self._booted,
            settings.boot_deadline,
            "no FullyBooted event: Asterisk is still starting, or the manager user lacks `read = system`",
        )

    async def _connect(self) -> None:
        making = asyncio.ensure_future(self._be_greeted())
        try:
            await self._expect(making, self._settings.connect_deadline, "no greeting from a manager port in time")
            making.result()
        except OSError as error:  # ssl.SSLError is one too
            raise LinkLost(f"no connection: {error}") from error
        finally:
            making.cancel()

    async def _be_greeted(self) -> None:
        where = self._settings
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self._protocol, where.host, where.port, ssl=self._tls)
        await self._protocol.greeted

    async def _expect(self, future: asyncio.Future[Any], seconds: float, complaint: str) -> None:
        alarm = self._alarm(seconds)
        try:
            await first_done(future, self.lost, alarm)
        finally:
            alarm.cancel()
        if not future.done():
            raise LinkLost(self.lost.result() if self.lost.done() else complaint)

    async def _login(self) -> None:
        settings = self._settings
        try:
            credentials = await self._credentials()
            fields = (("Username", settings.username), *credentials, ("Events", settings.events))
            await self._exchange(Action("Login", fields), settings.action_deadline)
        except AmiRefused as error:
            if error.reason.casefold() in NOT_NOW:
                raise LinkLost(f"no login: {error.reason}") from error
            raise LoginRefused(settings.username, settings.where, error.reason) from error
        except (NotConnected, OutcomeUnknown) as error:
            raise LinkLost(f"no login: {error}") from error

    async def _credentials(self) -> tuple[tuple[str, str], ...]:
        """The secret itself goes over TLS only; in the clear, Asterisk's MD5 challenge is answered instead."""
        settings = self._settings
        if settings.tls:
            return (("Secret", settings.secret),)
        asked = await self._exchange(Action("Challenge", (("AuthType", "MD5"),)), settings.action_deadline)
        digest = hashlib.md5((asked.headers.get("Challenge", "") + settings.secret).encode(), usedforsecurity=False)
        return ("AuthType", "MD5"), ("Key", digest.hexdigest())

    async def _ping(self) -> None:
        """A server that does not answer a ping is a lost link, however open its socket looks."""
        settings = self._settings
        try:
            while True:
                await self._time.sleep(settings.ping_interval)
                await self._exchange(_PING, settings.ping_deadline)
        except AmiError as error:
            self.lose(f"ping failed: {error}")

    def _take_event(self, message: panoramisk.Message) -> None:
        event = event_of(message, self.generation, self._mark)
        if event.name == "FullyBooted" and not self._booted.done():
            self._booted.set_result(None)
        self._on_event(event)

    # -- actions ------------------------------------------------------------------------------------------------------

    async def send(self, action: Action, deadline: float | None = None) -> Reply:
        """Take a turn, write the action and wait for its answer, all within `deadline` seconds.

        Raises NotConnected or LinkBusy (surely not sent), AmiRefused, or OutcomeUnknown. If the caller is cancelled
        while it waits, the outcome is unknown too.
        """
        seconds = self._settings.action_deadline if deadline is None else deadline
        return await self._exchange(action, seconds, self._free)

    async def _exchange(self, action: Action, seconds: float, gate: AbstractAsyncContextManager[None] = _OPEN) -> Reply:
        """Logins and pings go through an open gate: they must not wait for others."""
        if self.lost.done():
            raise NotConnected(f"{action.name} was not sent: {self.lost.result()}")
        self._count += 1
        pending = Pending(action, f"{self._mark}{self._count}" + (f"/{action.tag}" if action.tag else ""))
        work = asyncio.create_task(self._write_and_wait(pending, gate))
        alarm = self._alarm(seconds)
        try:
            await first_done(work, alarm, self.lost)
            if not work.done():
                raise self._unfinished(pending, seconds)
            messages = work.result()
        finally:
            alarm.cancel()
            work.cancel()
        if not messages[0].success:
            raise AmiRefused(action.name, headers_of(messages[0]).get("Message", ""))
        return reply_of(messages, self.generation)

    async def _write_and_wait(
        self, pending: Pending, gate: AbstractAsyncContextManager[None]
    ) -> tuple[panoramisk.Message, ...]:
        async with gate:
            if pending.name == "Originate" and (wait := self._spacing.wait(self._time.now())) > 0:
                await self._time.sleep(wait)
            if self.lost.done():
                raise NotConnected(f"{pending.name} was not sent: {self.lost.result()}")
            self._protocol.post(pending)
            messages: tuple[panoramisk.Message, ...] = await pending.future
            return messages

    def _unfinished(self, pending: Pending, seconds: float) -> AmiError:
        """The error for an action that was stopped by the loss of the link or by its deadline."""
        lost = self.lost.result() if self.lost.done() else None
        if pending.posted:
            return OutcomeUnknown(pending.name, lost or f"no answer within {seconds:g} s")
        if lost is not None:
            return NotConnected(f"{pending.name} was not sent: {lost}")
        return LinkBusy(f"{pending.name} was not sent: its turn did not come within {seconds:g} s")

    def _alarm(self, seconds: float) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._time.sleep(seconds))
