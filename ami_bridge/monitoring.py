"""Supervisors in operators' calls: their standing leg is moved to the dialplan that lets it hear, whisper or speak, and home (T14).

The phone is up already, so nothing is rung: Redirect moves it by its id, which is ours. What is wanted is in the register
(`usecases.monitoring`); a leg that comes home ends it there (`duty.leg_answered`), whoever sent it. Everything here runs in the
lane of the monitoring.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.errors import AmiError, AmiRefused
from ami_bridge.link import AmiLink
from ami_bridge.tracking import Standing
from ami_bridge.values import Action, Reply
from db.register import Register
from db.rules.telephony import MonitorMode
from db.store import calls, monitors
from db.usecases import monitoring

log = logging.getLogger(__name__)

_CONTEXTS: Final[Mapping[MonitorMode, str]] = {
    MonitorMode.LISTEN: names.CONTEXT_LISTEN,
    MonitorMode.WHISPER: names.CONTEXT_WHISPER,
    MonitorMode.BARGE: names.CONTEXT_BARGE,
}


class Monitoring:
    """Carries out what is wanted of monitorings."""

    def __init__(self, register: Register, link: AmiLink) -> None:
        self._register = register
        self._link = link

    async def move(self, monitor_id: UUID) -> str | None:
        """Let a supervisor's phone take part in the way that is wanted now."""
        row = await self._register.ask(monitors.get, monitor_id)
        if row is None or row.ended_at is not None:
            return "monitoring_over"
        error = await self._redirect(row.leg_id, _CONTEXTS[row.mode], row.of_seat)
        if error:
            await self.give_up(monitor_id)
        return error

    async def stop(self, monitor_id: UUID) -> str | None:
        """Bring the phone home. If it is gone, it hears nothing."""
        row = await self._register.ask(monitors.get, monitor_id)
        if row is None:
            return "monitoring_over"
        error = await self._redirect(row.leg_id, names.CONTEXT_SEAT, row.seat)
        if error in {None, AmiRefused.code}:
            return None
        # It may hear on, and then the operator's next call. A leg that is hung up is called back; without a link, `found` sees to it.
        with suppress(AmiError):
            await self._link.send(actions.hangup(str(row.leg_id)))
        return error

    async def give_up(self, monitor_id: UUID) -> None:
        """It could not be done: the supervisor is told by their call bar, and is free."""
        await self._register.write(monitoring.failed, monitor_id, self._register.now())

    async def found(
        self, pbx: str, channels: Mapping[UUID, Standing], send: Callable[[Action], Awaitable[Reply]]
    ) -> None:
        """After a new link: a phone that hears a call which its supervisor has left, or which is over, comes home, and one that is
        heard by more than its supervisor believes is so no more."""
        wanted = {row.leg_id: row for row in await self._register.ask(monitors.open_ones)}
        for duty in await self._register.ask(calls.duties, pbx):
            channel, row = channels.get(duty.leg_id), wanted.get(duty.leg_id)
            context, seat = (_CONTEXTS[row.mode], row.of_seat) if row else (names.CONTEXT_SEAT, duty.seat)
            if channel is None or channel.context not in names.MONITORING or channel.context == context:
                continue
            try:
                await send(actions.redirect(str(duty.leg_id), context, seat))
            except AmiRefused as error:
                log.warning("the phone of seat %s could not be moved: %s", duty.seat, error)

    async def _redirect(self, leg_id: UUID, context: str, seat: str) -> str | None:
        try:
            await self._link.send(actions.redirect(str(leg_id), context, seat))
        except AmiError as error:
            log.warning("the phone of a supervisor could not be moved to seat %s: %s", seat, error)
            return error.code
        return None
