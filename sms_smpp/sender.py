"""`saikoku sms`: takes messages from the register to the carriers, and writes down what becomes of them.

One process at a time does so (a lease). A message is committed as being sent before it is submitted; killed at any moment, the
next sender finds those and makes them *unknown* (`db.usecases.sms.recover`). Told to stop, it takes no more, waits for the
carriers' answers, and leaves nothing in doubt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from db.clock import Clock
from db.engine import Database
from db.hints import LOOK_EVERY, Hints, hints
from db.register import UNAVAILABLE, Register
from db.rules.sms import PartOutcome, SmsState
from db.rules.texts.parts import TextError
from db.settings import Settings
from db.tenure import Lease
from db.timing import RealTime, Time
from db.usecases import listening, sms, sms_fate
from db.usecases.leases import LeaseLostError
from db.usecases.office import Office
from db.usecases.sms import ReadyMessage, Submitted
from sms_smpp.carriers import Carrier, carriers_of
from sms_smpp.errors import BadField, BindRefused, LinkLost
from sms_smpp.inbox import STATES, Inbox, part_outcome, reason_of
from sms_smpp.portion import CLAIMING, HELD, HELD_BY_ONE_OF_MANY, Flow, Portion
from sms_smpp.receipts import Fate, fate_of, id_key
from sms_smpp.routes import Message, Route, Routes

log = logging.getLogger(__name__)

LEASE: Final = "sms"
GATHER: Final = 0.02
"""So many seconds a transaction waits for more to do in it, unless there is much already."""
FEW: Final = 10
"""So many messages at a time are claimed beside the claim that goes round and round."""
STALE: Final = timedelta(seconds=2)
"""What was claimed and could not go out for so long is queued again: what the rule said of it may be true no more."""
ASKED_EVERY: Final = 60.0
"""Seconds between two rounds of asking carriers about what was not heard of."""
ASKED_AT_ONCE: Final = 50
ASKED_FOR: Final = timedelta(days=7)
"""So old a message may be: carriers do not remember longer."""
FINISH_WITHIN: Final = 5.0
"""Seconds for which a stop lets messages go out that were claimed."""
HEARD_EVERY: Final = 10.0
"""Seconds between two words of the sender that it has a carrier."""


def heard_name(route: str) -> str:
    """Under which name the register keeps until when a carrier was listened to."""
    return f"smpp:{route}"


async def run(settings: Settings, database: Database, clock: Clock, office: Office) -> None:
    """Send and receive until cancelled. Raises SettingError."""
    time = RealTime()
    register = Register(database, clock, time)
    settings.office.run_dir.mkdir(parents=True, exist_ok=True)
    writing = asyncio.Lock()

    def made() -> tuple[Carrier, ...]:
        return carriers_of(settings, lambda route: Inbox(register, route.name, office, writing, route.gone_codes), time)

    made()  # what is wrong is said before waiting
    run_dir = settings.office.run_dir
    beside = (
        nullcontext() if database.is_sqlite else hints(database, run_dir, but_own=True)
    )  # where there is one writer none
    async with hints(database, run_dir) as listening_, beside as others:
        while True:
            lease = Lease(register, LEASE, time)
            await lease.acquire()
            try:
                await Sender(register, lease, office, made(), writing, time).run(listening_, others)
            except LeaseLostError:
                log.error("another process has taken over the sending of messages")
            finally:
                await lease.release()


class Sender:
    """The messages under way, from claim to outcome."""

    def __init__(
        self,
        register: Register,
        lease: Lease,
        office: Office,
        carriers: Sequence[Carrier],
        writing: asyncio.Lock,
        time: Time,
    ) -> None:
        self._register = register
        self._lease = lease
        self._office = office
        self._carriers = carriers
        self._routes = Routes([(carrier.route, carrier.link) for carrier in carriers])
        self._writing = writing
        self._time = time
        self._most = sum(carrier.window for carrier in carriers)
        """Messages under way at a time: as many as the carriers take."""
        self._claimed: list[tuple[tuple[bool, datetime], UUID, ReadyMessage]] = []
        """Those next in turn, a heap; the rest waits where a crash leaves no doubt."""
        self._flow = Flow(time.now())
        one_writer = register.database.is_sqlite
        self._claims = Portion(HELD if one_writer else CLAIMING)
        self._settles = Portion(HELD if one_writer else HELD_BY_ONE_OF_MANY)
        self._more_due = False
        self._resting = False
        """Whether nothing is due, so that the next hint is followed at once."""
        self._beside = asyncio.Lock()
        """Held by a claim beside the one that goes round and round, and by whoever must know that there is none."""
        self._unsure = False
        """Whether a claim beside it may have been committed without our knowing."""
        self._sending: dict[UUID, asyncio.Task[None]] = {}
        self._settled: list[Submitted] = []
        self._to_settle = asyncio.Event()
        self._free = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self, listening_: Hints, others: Hints | None = None) -> None:
        """Until cancelled, or the lease is lost (LeaseLostError). `others`: hints of others than this process, for single messages to be
        claimed beside a batch."""
        left = await self._register.write(self._recover, self._register.now())
        if left:
            log.warning("%d messages were being sent when the last sender ended: their outcome is unknown", left)
        links = [asyncio.create_task(self._keep(carrier)) for carrier in self._carriers]
        besides = [asyncio.create_task(work) for work in (self._lease.keep(), self._say_heard(), self._ask())]
        settling = asyncio.create_task(self._settle())
        taking = [asyncio.create_task(self._take(listening_))]
        if others is not None:
            taking.append(asyncio.create_task(self._take_single(others)))
        try:
            await asyncio.wait([*links, *besides, settling, *taking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(taking)
            await self._answered(links)
            await _end([settling])
            await self._write_rest()
            await _end([*links, *besides])
        for task in (*links, *besides, settling, *taking):
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _answered(self, links: Sequence[asyncio.Task[None]]) -> None:
        """Let what is under way go out, so that no text is cut between its parts, and wait for the answers as long as the links do."""
        self._claimed.clear()  # nothing of these was submitted: they are put back
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=FINISH_WITHIN)
        self._stopping.set()
        for carrier in self._carriers:
            carrier.link.stop()
        await asyncio.wait(links)
        while self._sending:
            await asyncio.wait(self._sending.values())

    async def _write_rest(self) -> None:
        """What became of everything, also of what was claimed in the moment of the end."""
        with suppress(*UNAVAILABLE, LeaseLostError):  # the next sender makes them unknown
            while self._settled:
                await self._write_down(self._register.database.run)
            await self._register.database.run(self._put_back, self._held(), self._register.now())

    async def _keep(self, carrier: Carrier) -> None:
        """A carrier that does not know us is left alone until an admin starts the sender anew; the others go on."""
        with suppress(BindRefused):
            await carrier.link.run()
            return
        await self._stopping.wait()

    async def _say_heard(self) -> None:
        while True:
            for carrier in self._carriers:
                if carrier.link.state.up:
                    name = heard_name(carrier.route.name)
                    await self._register.write(listening.heard, name, self._register.now())
            await self._time.sleep(HEARD_EVERY)

    # -- asking ---------------------------------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        """Ask carriers what became of messages without a receipt (`query_sm`): each again after the same time."""
        asked: dict[tuple[str, str], datetime] = {}
        while True:
            await self._time.sleep(ASKED_EVERY)
            for carrier in self._carriers:
                if carrier.query_after is not None:
                    await self._ask_one(carrier, carrier.query_after, asked)

    async def _ask_one(self, carrier: Carrier, after: timedelta, asked: dict[tuple[str, str], datetime]) -> None:
        now, route = self._register.now(), carrier.route
        for key in [key for key, at in asked.items() if at <= now - after]:
            del asked[key]
        begin = now - ASKED_FOR
        most = ASKED_AT_ONCE + len(asked)
        unheard = await self._register.ask(sms_fate.unheard_of, route.name, now - after, begin, most)
        for one in unheard:
            if (key := (route.name, one.carrier_id)) in asked:
                continue
            asked[key] = now
            try:
                said = await carrier.link.query(one.carrier_id, route.sender)
            except (LinkLost, BadField) as error:
                log.warning("the carrier %r cannot be asked about messages: %s", route.name, error)
                return
            if said is not None and (fate := fate_of(said)) is not None:
                async with self._writing:
                    await self._register.write(told, route, one, fate, said.error_code, self._register.now())

    # -- taking and sending -----------------------------------------------------------------------------------------------------

    async def _take(self, listening_: Hints) -> None:
        gathered = False
        while True:
            self._free.clear()
            if self._unsure:
                await self._put_back_what_is_not_held()
            room = min(self._claims.size, self._room())
            if room <= 0:
                await self._free.wait()
            elif room < self._flow.ahead // 2 and not gathered:
                await self._time.sleep(GATHER)
                gathered = True
            elif await self._claim(room):
                gathered = False
            else:
                self._resting = True
                await listening_.wait(LOOK_EVERY)
                self._resting = False

    def _room(self) -> int:
        """How many more may be claimed."""
        return self._most + self._flow.ahead - len(self._sending) - len(self._claimed)

    async def _claim(self, room: int) -> bool:
        """Take what may go out now; False if there was nothing (a batch may have no room in its pace)."""
        if not self._is_up():
            return False
        now = self._register.now()
        try:
            if not self._more_due and not await self._register.database.ask(sms.is_due, now):
                return False
            ready = await self._register.database.run(self._claim_as_holder, now, room)
        except UNAVAILABLE as error:
            log.warning("messages cannot be taken now (%s)", type(error.orig).__name__)
            await self._put_back_what_is_not_held()
            return False
        self._more_due = len(ready) == room
        self._hold(ready)
        self._flow.look(self._time.now())
        return bool(ready)

    async def _take_single(self, others: Hints) -> None:
        """Of what others queued take a few at once, beside the claim of a batch that is under way: it, and then one of its own, are
        what a single message would wait for."""
        while True:
            await others.wait(LOOK_EVERY)
            room = min(FEW, FEW + self._room())
            if self._resting or room <= 0 or not self._is_up():
                continue
            now = self._register.now()
            async with self._beside:
                try:
                    if await self._register.database.ask(sms.is_single_due, now):
                        self._hold(await self._register.database.run(self._claim_singles, now, room))
                except UNAVAILABLE:
                    self._unsure = True
                    self._free.set()

    def _is_up(self) -> bool:
        return any(carrier.link.state.up for carrier in self._carriers)

    def _hold(self, ready: Sequence[ReadyMessage]) -> None:
        """They were claimed: each goes out in its turn."""
        for message in ready:
            heappush(self._claimed, (message.turn, message.id, message))
        self._start()

    async def _put_back_what_is_not_held(self) -> None:
        """Whether a claim was committed is not known. Nothing of it was sent: what we do not hold is put back. For the one task that
        claims all the time, as nothing may be claimed meanwhile."""
        async with self._beside:
            await self._register.write(self._put_back, self._held(), self._register.now())
            self._unsure = False

    def _start(self) -> None:
        """Let as many of what was claimed go out as the carriers have room for, each in its turn."""
        while self._claimed and len(self._sending) < self._most:
            _, _, message = heappop(self._claimed)
            if self._register.now() - message.since < STALE:
                self._sending[message.id] = asyncio.create_task(self._send(message))
            else:
                self._settled.append(_bare(message, SmsState.QUEUED, "回線が混み合っています。"))
                self._to_settle.set()

    def _recover(self, tx: Connection, now: datetime) -> int:
        self._lease.require(tx)
        return sms.recover(tx, now, self._office)

    def _claim_as_holder(self, tx: Connection, now: datetime, room: int) -> list[ReadyMessage]:
        self._lease.require(tx)
        begun = self._time.now()
        ready = sms.claim(tx, now, self._office, room)
        self._claims.took(len(ready), self._time.now() - begun)
        return ready

    def _claim_singles(self, tx: Connection, now: datetime, room: int) -> list[ReadyMessage]:
        self._lease.require(tx)
        return sms.claim(tx, now, self._office, room, single=True)

    def _held(self) -> frozenset[UUID]:
        claimed = (message_id for _, message_id, _ in self._claimed)
        return frozenset((*self._sending, *claimed, *(settled.id for settled in self._settled)))

    def _put_back(self, tx: Connection, held: frozenset[UUID], now: datetime) -> None:
        self._lease.require(tx)
        sms.put_back(tx, held, now)

    async def _send(self, message: ReadyMessage) -> None:
        submitted = _bare(message, SmsState.UNKNOWN, "送信中に処理が中断しました。")
        try:
            submitted = await self._outcome(message)
        finally:
            self._settled.append(submitted)
            self._sending.pop(message.id)
            self._flow.ended += 1
            self._start()
            self._free.set()
            self._to_settle.set()

    async def _outcome(self, message: ReadyMessage) -> Submitted:
        try:
            sent = await self._routes.send(Message(message.number, message.body, message.reference, str(message.id)))
        except (TextError, BadField) as error:  # this carrier takes less than the desk was told; nothing was sent
            return _bare(message, SmsState.FAILED, str(error))
        if not sent.route:
            return _bare(message, SmsState.FAILED, "この番号に送信する回線がありません。")
        return Submitted(message.id, sent.route, sent.parts, tuple(map(part_outcome, sent.outcomes)), message.since)

    # -- writing down -----------------------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Everything that waits is written in one go: while a commit lasts, the next ones gather."""
        while True:
            await self._to_settle.wait()
            self._to_settle.clear()
            while self._settled:
                if 2 * len(self._settled) < self._settles.size:
                    await self._time.sleep(GATHER)
                await self._write_down(self._register.write)

    async def _write_down(self, write: Callable[..., Awaitable[None]]) -> None:
        batch = tuple(self._settled[: self._settles.size])
        async with self._writing:
            await write(self._settle_batch, batch, self._register.now())
        del self._settled[: len(batch)]

    def _settle_batch(self, tx: Connection, batch: Sequence[Submitted], now: datetime) -> None:
        begun = self._time.now()
        sms.settle(tx, batch, now, self._office)
        self._settles.took(len(batch), self._time.now() - begun)


def _bare(message: ReadyMessage, state: SmsState, reason: str) -> Submitted:
    """What came of a message of which the carrier said nothing."""
    return Submitted(message.id, "", 1, (PartOutcome(state, reason=reason),), message.since)


def told(
    tx: Connection, route: Route, one: sms_fate.Unheard, fate: Fate, error_code: int, now: datetime
) -> None:  # fmt: skip
    """What a carrier answered counts as a receipt."""
    state = STATES[fate]
    is_fine = state in {SmsState.DELIVERED, SmsState.ACCEPTED}
    reason = "" if is_fine else reason_of(str(error_code or ""), fate, route.gone_codes)
    receipt = sms_fate.Receipt(one.carrier_id, (id_key(one.carrier_id),), one.number, state, reason)
    sms_fate.receipts(tx, route.name, [receipt], now)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
