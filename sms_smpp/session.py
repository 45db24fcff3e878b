"""One bound connection to a carrier, from the TCP connection to its loss. `SmppLink` makes one after another.

Every submission ends in an `Outcome`. What was not written is surely not sent; what was written and is not answered is
unknown; nothing is written twice, unless the carrier itself said that it has no room now (ESME_RTHROTTLED,
ESME_RMSGQFUL): then the session waits and submits the same again. Deliveries are acknowledged once they are kept.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeGuard

from smpplib import consts

from db.timing import Backoff, Spacing, Time
from sms_smpp.errors import BindRefused, LinkLost, Malformed, NotStored
from sms_smpp.pdu import (
    LAST_SEQUENCE,
    Address,
    Delivery,
    Pdu,
    Queried,
    Submission,
    bare,
    bind,
    delivery,
    delivery_response,
    message_id,
    numbered,
    queried,
    query_sm,
    submit_sm,
)
from sms_smpp.values import (
    Accepted,
    Arrival,
    Keep,
    LateAnswer,
    LinkSettings,
    NotSent,
    Outcome,
    Refused,
    Unknown,
    status_name,
)
from sms_smpp.wire import Wire

log = logging.getLogger(__name__)

Kind = Literal["transceiver", "transmitter", "receiver"]

_NO_ROOM: Final = frozenset({consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL})
_NOT_KNOWN: Final = frozenset({consts.SMPP_ESME_RINVPASWD, consts.SMPP_ESME_RINVSYSID})
_SILENT: Final = frozenset({"alert_notification", "outbind"})  # requests that have no answer


def _no_room(outcome: Outcome) -> TypeGuard[Refused]:
    return isinstance(outcome, Refused) and outcome.status in _NO_ROOM


def _for_want_of_room(outcome: Refused) -> NotSent:
    return NotSent(f"the carrier has no room: {outcome.reason}")


async def first_done(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


@dataclass(slots=True, eq=False)
class _Submitted:
    """A submission that was written; it keeps its place in the window until the carrier answers or the link ends."""

    submission: Submission
    future: asyncio.Future[Outcome]
    checks: int = 0


@dataclass(slots=True, eq=False)
class _Asked:
    """A request of the link itself; its answer is the response's PDU."""

    response: str
    future: asyncio.Future[Pdu | None]  # None: the connection ended


class Session:
    """A connection with its bind, enquiries, submissions and deliveries."""

    def __init__(self, settings: LinkSettings, kind: Kind, tls: ssl.SSLContext | None, time: Time, keep: Keep) -> None:
        self._settings = settings
        self._kind = kind
        self._tls = tls
        self._time = time
        self._keep = keep
        self._wire = Wire(self._take)
        self._sequence = 0
        self._submitted: dict[int, _Submitted] = {}
        self._asked: dict[int, _Asked] = {}
        self._slots = asyncio.Semaphore(settings.window)
        self._door = asyncio.Lock()  # one at a time waits for its turn, so that nobody has one in hand when room ends
        self._spacing = Spacing(settings.per_second)
        self._room = asyncio.Event()  # cleared while the carrier has none
        self._room.set()
        self._throttled = Backoff(settings.first_throttle, settings.longest_throttle, lambda: 1.0)
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._arrivals: deque[tuple[Pdu | None, Arrival]] = deque()
        self._arrived = asyncio.Event()
        self._stalls = 0  # how often the carrier was not read
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wire.lost.add_done_callback(self._end)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done, with the reason, as soon as the connection is of no more use."""
        return self._wire.lost

    # -- opening and closing --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and bind. Raises LinkLost, BindRefused or BadField."""
        settings = self._settings
        await self._connect()
        request = bind(self._kind, 0, settings.system_id, settings.password, settings.system_type)
        answer = await self._ask(f"bind_{self._kind}", request, settings.bind_deadline)
        if answer.status in _NOT_KNOWN:
            raise BindRefused(settings.system_id, settings.where, status_name(answer.status))
        if answer.status:
            raise LinkLost(f"the carrier refused the bind: {status_name(answer.status)}")
        self._start(self._enquire())
        self._start(self._watch())
        self._start(self._store())

    async def _connect(self) -> None:
        where = self._settings
        loop = asyncio.get_running_loop()
        making = asyncio.ensure_future(
            loop.create_connection(lambda: self._wire, where.host, where.port, ssl=self._tls)
        )
        alarm = asyncio.ensure_future(self._time.sleep(where.connect_deadline))
        try:
            await first_done(making, alarm)
            if not making.done():
                raise LinkLost("no connection in time")
            making.result()
        except OSError as error:  # ssl.SSLError is one too
            raise LinkLost(f"no connection: {error}") from error
        finally:
            alarm.cancel()
            making.cancel()

    async def unbind(self) -> None:
        """Take no more submissions, wait for answers and for what is being stored, and say goodbye to the carrier."""
        self._closing = True
        self._wake()
        try:
            await self._drain()
            await self._ask("unbind", bare("unbind", 0), self._settings.unbind_deadline)
        except LinkLost as error:
            log.warning("link to the carrier at %s ended without a goodbye: %s", self._settings.where, error)

    async def _drain(self) -> None:
        idle = asyncio.ensure_future(self._idle.wait())
        alarm = asyncio.ensure_future(self._time.sleep(self._settings.unbind_deadline))
        try:
            await first_done(idle, alarm, self.lost)
        finally:
            alarm.cancel()
            idle.cancel()

    async def close(self) -> None:
        """End the connection and everything that works for it."""
        self._wire.lose("closed by us")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._wire.wait_closed()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self.failed.done():
            self.failed.set_exception(error)

    def _end(self, lost: asyncio.Future[str]) -> None:
        """The connection is gone: tell everybody who waits for something of it."""
        for submitted in self._submitted.values():
            if not submitted.future.done():
                submitted.future.set_result(Unknown(lost.result()))
        for asked in self._asked.values():
            if not asked.future.done():
                asked.future.set_result(None)
        self._submitted.clear()
        self._asked.clear()
        self._wake()

    def _wake(self) -> None:
        """Those who wait for a turn look up, see that there is none, and wake the next."""
        self._slots.release()
        self._room.set()
        self._wire.writable.set()

    # -- what the link asks itself ----------------------------------------------------------------------------------------------

    async def _ask(self, name: str, request: bytes, deadline: float) -> Pdu:
        if self.lost.done():
            raise LinkLost(self.lost.result())
        sequence = self._next_sequence()
        asked = _Asked(f"{name}_resp", asyncio.get_running_loop().create_future())
        self._asked[sequence] = asked
        self._wire.send(numbered(request, sequence))
        alarm = asyncio.ensure_future(self._time.sleep(deadline))
        try:
            await first_done(asked.future, alarm)
            if not asked.future.done():
                raise LinkLost(f"no answer to {name} within {deadline:g} s")
            if (answer := asked.future.result()) is None:
                raise LinkLost(self.lost.result())
            return answer
        finally:
            alarm.cancel()
            asked.future.cancel()
            self._asked.pop(sequence, None)

    async def enquire(self) -> None:
        """Ask the carrier whether it is there. Raises LinkLost."""
        await self._ask("enquire_link", bare("enquire_link", 0), self._settings.enquire_deadline)

    async def _enquire(self) -> None:
        """A carrier that does not answer is a lost link, however open its socket looks; unless it is we who do not read."""
        while True:
            await self._time.sleep(self._settings.enquire_interval)
            stalls = -1 if self._wire.held("storing") else self._stalls
            try:
                await self.enquire()
            except LinkLost as error:
                if stalls == self._stalls:
                    self._wire.lose(str(error))
                    return

    async def query(self, message_id: str, source: Address) -> Queried | None:
        """What became of a message that the carrier accepted; None if it does not say. Raises LinkLost and BadField."""
        answer = await self._ask("query_sm", query_sm(0, message_id, source), self._settings.response_deadline)
        try:
            return queried(answer) if answer.status == 0 and answer.command == "query_sm_resp" else None
        except Malformed as error:
            self._complain(f"an answer to query_sm that cannot be read: {error}")
            return None

    def _next_sequence(self) -> int:
        while True:
            self._sequence = self._sequence % LAST_SEQUENCE + 1
            if self._sequence not in self._submitted and self._sequence not in self._asked:
                return self._sequence

    # -- submissions --------------------------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission) -> Outcome:
        """Wait for a place in the window, a turn and room at the carrier; write, and wait for the answer.

        Raises BadField. If the caller is cancelled while it waits, the outcome is unknown.
        """
        frame = submit_sm(0, submission)
        since = self._time.now()
        await self._slots.acquire()
        while await self._turn():
            outcome = await self._exchange(submission, frame)
            if not _no_room(outcome):
                return outcome
            # Its place in the window stays its own: the same goes out again before any other.
            if self._time.now() - since >= self._settings.throttle_patience:
                self._slots.release()
                return _for_want_of_room(outcome)
        self._slots.release()
        return NotSent(self._no_more())

    def _no_more(self) -> str:
        """Why nothing can be submitted any more; empty while it can."""
        return self.lost.result() if self.lost.done() else "the link is being closed" if self._closing else ""

    async def _turn(self) -> bool:
        """Wait until one may write; False if that will never be. Gives the place in the window back if cancelled."""
        try:
            async with self._door:
                return await self._may_write()
        except asyncio.CancelledError:
            self._slots.release()
            raise

    async def _may_write(self) -> bool:
        while not self._no_more():
            await self._room.wait()
            await self._wire.writable.wait()
            if (wait := self._spacing.wait(self._time.now())) > 0:
                await self._time.sleep(wait)
            if self._room.is_set() and self._wire.writable.is_set():
                return not self._no_more()
        return False

    async def _exchange(self, submission: Submission, frame: bytes) -> Outcome:
        sequence = self._next_sequence()
        submitted = _Submitted(submission, asyncio.get_running_loop().create_future())
        self._submitted[sequence] = submitted
        self._idle.clear()
        self._wire.send(numbered(frame, sequence))
        try:
            return await submitted.future
        except asyncio.CancelledError:
            if not submitted.future.cancelled():  # answered in the same moment
                if _no_room(submitted.future.result()):
                    self._slots.release()
                self._answered_late(submission, submitted.future.result())
            raise

    async def _watch(self) -> None:
        """Say `Unknown` of what is not answered. Its place stays taken, for the carrier counts it too; when none is left, the
        link is of no use."""
        deadline = self._settings.response_deadline
        while True:
            await self._time.sleep(deadline)
            for submitted in self._submitted.values():
                submitted.checks += 1
                if submitted.checks > 1 and not submitted.future.done():
                    submitted.future.set_result(Unknown(f"no answer within {deadline:g} s"))
            if sum(submitted.checks > 1 for submitted in self._submitted.values()) >= self._settings.window:
                self._wire.lose("the carrier leaves every submission unanswered")

    # -- what comes from the carrier ------------------------------------------------------------------------------------------------

    def _take(self, pdu: Pdu) -> None:
        if pdu.is_response:
            self._take_response(pdu)
        elif pdu.command in {"deliver_sm", "data_sm"}:
            self._take_delivery(pdu)
        elif pdu.command == "enquire_link":
            self._wire.send(bare("enquire_link_resp", pdu.sequence))
        elif pdu.command == "unbind":
            self._wire.send(bare("unbind_resp", pdu.sequence))
            self._wire.lose("the carrier unbound the link")
        elif pdu.command not in _SILENT:
            self._complain(f"the command 0x{pdu.code:08x}")
            self._wire.send(bare("generic_nack", pdu.sequence, consts.SMPP_ESME_RINVCMDID))

    def _take_response(self, pdu: Pdu) -> None:
        nack = pdu.command == "generic_nack"
        if asked := self._asked.get(pdu.sequence):
            if (nack or pdu.command == asked.response) and not asked.future.done():
                asked.future.set_result(pdu)
        elif pdu.sequence in self._submitted and (nack or pdu.command == "submit_sm_resp"):
            try:
                self._answered(pdu)
            except Malformed as error:
                self._wire.lose(f"the carrier's answer cannot be read: {error}")
        else:
            self._complain(f"an answer to nothing ({pdu.command or hex(pdu.code)})")

    def _answered(self, pdu: Pdu) -> None:
        """A `generic_nack` with our number says that the carrier did not take it."""
        failed = pdu.status or (consts.SMPP_ESME_RUNKNOWNERR if pdu.command == "generic_nack" else 0)
        outcome = Refused(failed) if failed else Accepted(message_id(pdu))
        submitted = self._submitted.pop(pdu.sequence)
        if _no_room(outcome):
            self._hold()
        elif self._room.is_set():
            self._throttled.reset()
        if submitted.future.done():
            self._slots.release()
            self._answered_late(submitted.submission, outcome)
        else:
            if not _no_room(outcome):
                self._slots.release()
            submitted.future.set_result(outcome)
        self._note_idle()

    def _answered_late(self, submission: Submission, outcome: Outcome) -> None:
        self._arrive(None, LateAnswer(submission, _for_want_of_room(outcome) if _no_room(outcome) else outcome))

    def _hold(self) -> None:
        """Nobody submits for a while; the more often the carrier asks for it, the longer."""
        if not self._room.is_set() or self._closing:
            return
        self._room.clear()
        self._start(self._make_room_after(self._throttled.next()))

    async def _make_room_after(self, seconds: float) -> None:
        await self._time.sleep(seconds)
        self._room.set()

    def _complain(self, what: str) -> None:
        """Once a session and kind: a peer must not fill the log."""
        if what not in self._complaints and len(self._complaints) < 20:
            self._complaints.add(what)
            log.warning("the carrier at %s sent %s", self._settings.where, what)

    # -- deliveries -----------------------------------------------------------------------------------------------------------------

    def _take_delivery(self, pdu: Pdu) -> None:
        try:
            arrival: Delivery = delivery(pdu)
        except Malformed as error:
            self._complain(f"a delivery that cannot be read: {error}")
            self._wire.send(delivery_response(pdu, consts.SMPP_ESME_RX_P_APPN))
            return
        self._arrive(pdu, arrival)
        if len(self._arrivals) >= self._settings.deliveries:
            self._wire.hold("storing")
            self._stalls += 1

    def _arrive(self, pdu: Pdu | None, arrival: Arrival) -> None:
        self._arrivals.append((pdu, arrival))
        self._idle.clear()
        self._arrived.set()

    async def _store(self) -> None:
        """Everything that waits is kept in one go: while a commit lasts, the next ones gather."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            arrivals = list(self._arrivals)  # they count as waiting until they are kept
            status = 0
            try:
                await self._keep([arrival for _, arrival in arrivals])
            except NotStored:
                status = consts.SMPP_ESME_RX_T_APPN
            for pdu, _ in arrivals:
                self._arrivals.popleft()
                if pdu is not None:
                    self._wire.send(delivery_response(pdu, status))
            if len(self._arrivals) < self._settings.deliveries:
                self._wire.release("storing")
            self._note_idle()

    def _note_idle(self) -> None:
        if not self._submitted and not self._arrivals:
            self._idle.set()
