"""`saikoku bridge`: the daemon between the register and one Asterisk.

It carries out the commands of the panel (phones of operators, calls) and writes what Asterisk tells of them. All state
is in the register and in Asterisk; killed at any moment, it takes up again what is there (`reconcile`).

One reader hands events to lanes, one a call; commands of the same call go through the same lane.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ami_bridge.campaigning import Campaigns
from ami_bridge.cel_file import CallRecord
from ami_bridge.dialing import NO_PBX, Dialing
from ami_bridge.errors import AmiRefused, LoginRefused
from ami_bridge.incoming import Reception
from ami_bridge.lanes import Lanes
from ami_bridge.legs import Legs
from ami_bridge.link import AmiLink
from ami_bridge.monitoring import Monitoring
from ami_bridge.patience import Patience
from ami_bridge.reconcile import Reconciler
from ami_bridge.recordings import Recordings
from ami_bridge.session import Session
from ami_bridge.settling import Settler
from ami_bridge.tracking import EVENTS, Arrived, Entered, Fact, Failed, Gone, Tracker
from ami_bridge.transfers import Transfers
from ami_bridge.values import LinkSettings
from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, follow, hints
from db.outbox import latest
from db.register import UNAVAILABLE, Register
from db.settings import AmiSettings, Settings
from db.store import calls, incoming
from db.tenure import Lease
from db.timing import RealTime, Time
from db.usecases import commands, duty, giving, listening
from db.usecases.commands import CommandKind, Wanted
from db.usecases.leases import LeaseLostError
from db.usecases.office import Office

log = logging.getLogger(__name__)

LINK_PATIENCE: Final = 5.0
"""Seconds a command waits for the link to Asterisk before whoever waits for it is told that there is none."""

LOOKS_APART: Final = 0.02
"""Seconds between two looks for commands: each of the bridge's own commits rings, too, and at many calls a second a look for each
would cost a tenth of all that its calls cost."""

HEARD_EVERY: Final = 10.0
"""Seconds between two words of the bridge that it has its PBX."""

NOT_CONNECTED: Final = "ami.not_connected"


def link_settings(ami: AmiSettings) -> LinkSettings:
    """The link of the settings. Agents' events are left out: app_agent_pool is not used."""
    return LinkSettings(ami.host, ami.port, ami.username, ami.secret.reveal(), tls=ami.tls, events="system,call,user")


async def run(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Work the PBX of `settings` until cancelled. Raises LoginRefused, which only an admin can mend."""
    time = RealTime()
    register = Register(database, clock, time)
    settings.office.run_dir.mkdir(parents=True, exist_ok=True)
    while True:
        lease = Lease(register, f"bridge:{settings.ami.pbx}", time)
        await lease.acquire()
        try:
            await _hold_the_line(settings, register, lease, office, time)
        except ExceptionGroup as errors:
            _, others = errors.split(LeaseLostError)
            if others is not None:
                refused, _ = others.split(LoginRefused)
                raise refused.exceptions[0] if refused else others from None
            log.error("another bridge has taken over the PBX %r", settings.ami.pbx)
        finally:
            await lease.release()


async def _hold_the_line(settings: Settings, register: Register, lease: Lease, office: Office, time: Time) -> None:
    async with asyncio.TaskGroup() as tasks:
        bridge = Bridge(settings, register, lease, office, time, tasks)
        await register.write(commands.abandon, settings.ami.pbx, register.now())
        tasks.create_task(lease.keep())
        tasks.create_task(bridge.link.run())
        tasks.create_task(bridge.read_events())
        tasks.create_task(bridge.take_commands())
        tasks.create_task(bridge.campaigns.run())
        tasks.create_task(bridge.say_until_when_it_listened())


class Bridge:
    """Everything of one bridge, put together."""

    def __init__(
        self,
        settings: Settings,
        register: Register,
        lease: Lease,
        office: Office,
        time: Time,
        tasks: asyncio.TaskGroup,
    ) -> None:
        dial = settings.dial
        self._settings = settings
        self._register = register
        self._lease = lease
        self._tasks = tasks
        self._time = time
        self._lanes = Lanes(tasks)
        self._tracker = Tracker(settings.ami.pbx)
        self.link = AmiLink(link_settings(settings.ami), reconcile=self._reconcile, time=time)
        self._events = self.link.subscribe("calls", only=EVENTS)
        patience = Patience(tasks, time, dial.rejoin_seconds, self._give_up)
        recordings = Recordings(register, dial.recordings_dir, tasks, time)
        self._legs = Legs(register, self.link, patience, tasks, time, dial.ring_seconds)
        record = CallRecord(settings.ami.cel_file) if settings.ami.cel_file.name else None
        settler = Settler(
            register, record, self._lanes, self._tracker, recordings, self.link.send, tasks, time, office, settings.ami.pbx
        )  # fmt: skip
        self._dialing = Dialing(register, self.link, lease, patience, recordings, dial, office, settler.lost)
        self.campaigns = Campaigns(
            register, self.link, lease, self._lanes, self._dialing, tasks, time, dial, office, settings.ami.pbx
        )
        self._reception = Reception(register, self.link, patience, recordings, self._dialing, office, settings.ami.pbx)
        self._transfers = Transfers(register, self.link)
        self._monitoring = Monitoring(register, self.link)
        self._reconciler = Reconciler(
            register,
            self._lanes,
            self._tracker,
            self._dialing,
            self._reception,
            self._legs,
            recordings,
            settler,
            settings.ami.pbx,
        )
        self._owners: dict[UUID, Dialing | Legs | Reception] = {}
        self._carry_out: Mapping[CommandKind, Callable[[UUID], Awaitable[str | None]]] = {
            CommandKind.RING_PHONE: self._ring,
            CommandKind.DROP_PHONE: self._legs.drop,
            CommandKind.PLACE: self._dialing.place,
            CommandKind.HANG_UP: self._hang_up,
            CommandKind.HOLD: self._hold,
            CommandKind.RESUME: self._resume,
            CommandKind.CONSULT: self._consult,
            CommandKind.HAND_OVER: self._transfers.leave,
            CommandKind.TAKE_BACK: self._take_back,
            CommandKind.PAUSE_RECORDING: partial(self._mute, muted=True),
            CommandKind.RECORD_AGAIN: partial(self._mute, muted=False),
            CommandKind.MONITOR: self._monitoring.move,
            CommandKind.STOP_MONITORING: self._monitoring.stop,
        }
        self._let_go: Mapping[CommandKind, Callable[[UUID], Awaitable[None]]] = {
            CommandKind.RING_PHONE: self._legs.not_rung,
            CommandKind.PLACE: partial(self._dialing.not_placed, why=NO_PBX),
            CommandKind.CONSULT: self._transfers.give_up,
            CommandKind.MONITOR: self._monitoring.give_up,
        }

    async def _reconcile(self, session: Session) -> None:
        channels = await self._reconciler(session)
        await self.campaigns.found(channels)
        await self._monitoring.found(self._settings.ami.pbx, channels, session.send)
        self._tasks.create_task(self._go_on_handing_over())
        self._tasks.create_task(self._offer_when_up())

    async def _go_on_handing_over(self) -> None:
        """Transfers that a bridge or link before this one began: their last step is done again, which harms nothing."""
        if not await self._link_is_up():
            return
        for legs in await self._transfers.interrupted(self._settings.ami.pbx):
            error = await self._lanes.run(legs.call_id, partial(self._transfers.leave, legs.call_id))
            if (
                error == AmiRefused.code
            ):  # no phone is there to be moved; of a lost link nothing follows but the next one
                await self._follow(legs.from_leg, None)

    async def _give_up(self, call_id: UUID) -> None:
        await self._lanes.put(call_id, partial((await self._talk(call_id)).give_up, call_id))

    async def _hang_up(self, call_id: UUID) -> str | None:
        return await (await self._talk(call_id)).hang_up(call_id)

    async def _hold(self, call_id: UUID) -> str | None:
        return await (await self._talk(call_id)).hold(call_id)

    async def _resume(self, call_id: UUID) -> str | None:
        return await (await self._talk(call_id)).resume(call_id)

    async def _consult(self, call_id: UUID) -> str | None:
        return await self._transfers.consult(call_id, await self._talk(call_id))

    async def _take_back(self, call_id: UUID) -> str | None:
        return await self._transfers.take_back(call_id, await self._talk(call_id))

    async def _mute(self, call_id: UUID, *, muted: bool) -> str | None:
        return await (await self._talk(call_id)).mute_recording(call_id, muted=muted)

    async def _follow(self, leg_id: UUID, seat: str | None) -> None:
        """An operator's phone has come home or is gone (None): the person whom it has left to an officer goes there."""
        if (call_id := await self._transfers.left(leg_id, seat)) is not None:
            await self._lanes.run(call_id, partial((await self._talk(call_id)).resume, call_id))

    async def _talk(self, call_id: UUID) -> Dialing | Reception:
        return self._reception if await self._owner(call_id) is self._reception else self._dialing

    async def _ring(self, leg_id: UUID) -> str | None:
        self._owners[leg_id] = self._legs  # known as a leg even if its operator goes home while it rings
        return await self._legs.ring(leg_id)

    # -- events -------------------------------------------------------------------------------------------------------

    async def read_events(self) -> None:
        """Hand what happens to the lane of its call, in order."""
        async for event in self._events:
            if fact := await self._tracker.read(event):
                if isinstance(fact, Arrived):
                    self._owners[fact.id] = self._reception
                await self._lanes.put(fact.id, partial(self._apply, fact))

    async def _apply(self, fact: Fact) -> None:
        if owner := await self._owner(fact.id):
            await owner.apply(fact)
            if owner is self._dialing:
                await self.campaigns.heard(fact)
            if owner is self._legs and isinstance(fact, Entered | Gone):
                self._tasks.create_task(self._follow(fact.id, fact.seat if isinstance(fact, Entered) else None))
            if isinstance(fact, Arrived):
                await self._receive(fact.id)
        if isinstance(fact, Gone | Failed):
            self._owners.pop(fact.id, None)

    async def _receive(self, call_id: UUID) -> None:
        if self.link.state.up:
            await self._reception.receive(call_id)
        else:
            self._tasks.create_task(self._receive_when_up(call_id))

    async def _receive_when_up(self, call_id: UUID) -> None:
        """Outside of the call's lane: the reconciliation, for which the link waits, waits for the lanes."""
        if await self._link_is_up():
            await self._lanes.put(call_id, partial(self._reception.receive, call_id))

    async def _owner(self, channel_id: UUID) -> Dialing | Legs | Reception | None:
        """Whose channel it is; None for a channel that is not of ours, although its id looks like it."""
        owner = self._owners.get(channel_id)
        if owner is None:
            if await self._register.ask(calls.attempt, channel_id):
                owner = self._owners[channel_id] = self._dialing
            elif await self._register.ask(calls.duty_of_leg, channel_id):
                owner = self._owners[channel_id] = self._legs
            elif await self._register.ask(incoming.find, channel_id):
                owner = self._owners[channel_id] = self._reception
        return owner

    async def say_until_when_it_listened(self) -> None:
        """Keep the moment from which the next bridge, or the next link, must look for what went unheard; for ever."""
        while True:
            await self.link.until(lambda state: state.up)
            await self._register.write(listening.heard, self._settings.ami.pbx, self._register.now())
            await self._time.sleep(HEARD_EVERY)

    # -- commands -----------------------------------------------------------------------------------------------------

    async def take_commands(self) -> None:
        """Take commands as they come, for ever."""
        database = self._register.database
        async with hints(database, self._settings.office.run_dir) as listening:
            while True:
                try:
                    since = await database.ask(latest)
                    await self._take()
                    await self._offer()
                    async for changes in follow(database, listening, since, apart=LOOKS_APART):
                        topics = {change.topic for change in changes}
                        if commands.TOPIC in topics:
                            await self._take()
                        if {duty.TOPIC, giving.WAITING_TOPIC} & topics:
                            await self._offer()
                except UNAVAILABLE as error:
                    log.warning("no commands can be read (%s); trying again", type(error.orig).__name__)
                    await self._time.sleep(LOOK_EVERY)

    async def _take(self) -> None:
        expired, wanted = await self._register.database.run(self._claim)
        for command in expired:
            self._tasks.create_task(self._give_back(command))
        for command in wanted:
            self._tasks.create_task(self._do(command))

    async def _offer(self) -> None:
        """Somebody may be free, or the queue has moved: whoever has waited longest is given first."""
        if not self.link.state.up:
            self._tasks.create_task(self._offer_when_up())
            return
        for row in await self._register.ask(incoming.waiting, self._settings.ami.pbx):
            await self._lanes.put(row.id, partial(self._reception.give, row.id))
        await self.campaigns.offer()

    async def _offer_when_up(self) -> None:
        if await self._link_is_up():
            await self._offer()

    def _claim(self, tx: Connection) -> tuple[list[Wanted], list[Wanted]]:
        self._lease.require(tx)
        pbx, now = self._settings.ami.pbx, self._register.now()
        return commands.expire(tx, pbx, now), commands.claim(tx, pbx, now)

    async def _do(self, command: Wanted) -> None:
        if await self._link_is_up():
            error = await self._lanes.run(command.subject, partial(self._carry_out[command.kind], command.subject))
        else:
            error = NOT_CONNECTED
            await self._give_back(command)
        await self._register.write(commands.answer, command.id, self._register.now(), error)

    async def _give_back(self, command: Wanted) -> None:
        """A command will not be carried out: what hung on it must not hang for ever."""
        if let_go := self._let_go.get(command.kind):
            await self._lanes.run(command.subject, partial(let_go, command.subject))

    async def _link_is_up(self) -> bool:
        try:
            async with asyncio.timeout(LINK_PATIENCE):
                await self.link.until(lambda state: state.up)
        except TimeoutError:
            return False
        return True
