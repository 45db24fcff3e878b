"""The bridge's standing link to one Asterisk: it connects, reconciles, opens for actions, and starts again when lost.

For the call tracker (events), the dialer and the operators' legs (actions). The order after every connection is fixed:
log in, let `reconcile` read what Asterisk really has (CoreShowChannels and the like), and only then `UP`: nothing is
dialled on what was believed before. Nothing is ever sent twice; what a lost link leaves open is `OutcomeUnknown`.

The reader only reads and enqueues (Asterisk drops a client that stalls for 100 ms): every consumer has its own bounded
queue and its own task. Nothing that passes over the link is logged: it holds phone numbers, names and secrets.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from ami_bridge.errors import AmiError, LinkLost, LoginRefused, NotConnected
from ami_bridge.session import Session, first_done, tls_context
from ami_bridge.subscription import Subscription
from ami_bridge.values import Action, Event, LinkSettings, LinkState, Phase, Reply
from db.timing import Backoff, RealTime, Time

log = logging.getLogger(__name__)

Reconcile = Callable[[Session], Awaitable[None]]
"""Called with each new session before anybody else may send; sends by `session.send`. An AmiError gives the link up
and tries again; any other exception is a bug and ends `AmiLink.run`."""


async def nothing_to_reconcile(session: Session) -> None:
    """For consumers that keep no state about calls."""


class AmiLink:
    """`run` is the link's life, in a task of the daemon; everything else may be called beside it."""

    def __init__(
        self,
        settings: LinkSettings,
        *,
        reconcile: Reconcile = nothing_to_reconcile,
        time: Time | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._tls = tls_context(settings)
        self._reconcile = reconcile
        self._time = time or RealTime()
        self._backoff = Backoff(settings.first_retry, settings.longest_retry, chance)
        self._session: Session | None = None
        self._subscriptions: list[Subscription] = []
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

    def subscribe(self, name: str, *, limit: int = 20_000, only: frozenset[str] | None = None) -> Subscription:
        """The events from now on, in order; `only` names those wanted, `limit` how far the consumer may fall behind."""
        subscription = Subscription(name, limit, only)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.close()
        self._subscriptions.remove(subscription)

    async def send(self, action: Action, *, deadline: float | None = None) -> Reply:
        """Send over the link as it stands; never over a later one. See `Session.send` for deadline and errors."""
        if self._session is None or not self._state.up:
            raise NotConnected(f"{action.name} was not sent: the link is {self._state.phase.value}")
        return await self._session.send(action, deadline)

    async def run(self) -> None:
        """Keep the link until cancelled. Raises LoginRefused, which only an admin can mend (never retried: Asterisk's
        log and fail2ban would fill, and lock out the rest of this host)."""
        try:
            while True:
                reason = await self._one_life()
                pause = self._backoff.next()
                log.warning("link to Asterisk at %s lost: %s; next try in %.1f s", self._settings.where, reason, pause)
                await self._time.sleep(pause)
        except LoginRefused as error:
            log.error("%s", error)
            self._become(Phase.REFUSED, str(error))
            raise
        finally:
            if self._state.phase is not Phase.REFUSED:
                self._become(Phase.CLOSED, "closed by us")
            for subscription in self._subscriptions:
                subscription.close()

    # -- one connection -----------------------------------------------------------------------------------------------

    async def _one_life(self) -> str:
        """From connecting to the loss; returns the reason of the loss."""
        session = Session(self._settings, self._tls, self._time, self._state.generation + 1, self._publish)
        self._session = session
        self._become(Phase.DOWN, "connecting", session.generation)
        try:
            await session.open()
            self._become(Phase.RECONCILING, "")
            await self._reconciled(session)
            await self._serve(session)
        except LoginRefused:
            raise
        except AmiError as error:
            self._become(Phase.DOWN, str(error))
        finally:
            self._session = None
            await session.close()
        return self._state.reason

    async def _reconciled(self, session: Session) -> None:
        work = asyncio.ensure_future(self._reconcile(session))
        try:
            await first_done(work, session.lost)
            if not work.done():
                raise LinkLost(f"{session.lost.result()}, while reconciling")
            work.result()
        finally:
            work.cancel()

    async def _serve(self, session: Session) -> None:
        since = self._time.now()
        log.info("link %d to Asterisk at %s is up", session.generation, self._settings.where)
        self._become(Phase.UP, "")
        await first_done(session.lost)
        reason = session.lost.result()
        self._become(Phase.DOWN, reason)
        # A link that comes and goes must not be remade at full speed for ever.
        if self._time.now() - since >= self._settings.stable_after:
            self._backoff.reset()

    def _publish(self, event: Event) -> None:
        for subscription in self._subscriptions:
            if not subscription.offer(event) and self._session is not None:
                self._session.lose(f"{subscription.name} is too far behind with {len(subscription)} events waiting")

    def _become(self, phase: Phase, reason: str, generation: int | None = None) -> None:
        self._state = LinkState(phase, self._state.generation if generation is None else generation, reason)
        self._changed.set()
        self._changed = asyncio.Event()
