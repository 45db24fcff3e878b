"""The lab's carrier of messages: an SMSC over the library `smpp34`, which plays the phones that messages reach.

The last two digits of a number decide, as they do for calls (`saikoku.lab.carrier`):

| behaviour | what becomes of a message |
|---|---|
| unallocated, changed | refused (`ESME_RINVDSTADR`) |
| out-of-order, congested | accepted, and after a while a receipt that it could not be delivered |
| no-answer, odd | accepted, and after a while a receipt that it expired |
| slow | accepted, and nothing is heard of it |
| at-once | delivered, and a reply that they will call |
| rejected | delivered, and the reply 停止 |
| all others | delivered |
"""

import asyncio
import itertools
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import smpp34
from smpplib import consts

from saikoku.lab.asterisk import free_port
from saikoku.lab.carrier import behaviour_of
from sms_smpp.pdu import MESSAGE_STATE, RECEIPTED_MESSAGE_ID

SYSTEM_ID: Final = "saikoku"
RECEIPT_AFTER: Final = 2.0
"""Seconds from acceptance to receipt, and from there to the reply."""

_REFUSED: Final = frozenset({"unallocated", "changed"})
_UNDELIVERABLE: Final = frozenset({"out-of-order", "congested"})
_REPLIES: Final = {"at-once": "あす電話します。", "rejected": "停止"}
_DELIVERED, _EXPIRED, _UNDELIVERED = 2, 3, 5  # SMPP's message_state
_RECEIPT: Final = 0x04  # esm_class: an SMSC delivery receipt
_UCS2: Final = 8


class LabSmsc:
    """Listens on a port of its own; use as `async with LabSmsc() as smsc:`."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server = smpp34.Server(host="127.0.0.1", port=self.port, system_id="lab-smsc")
        self._esmes: dict[str, smpp34.Esme] = {}
        self._ids = itertools.count(0x1A00)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listening."""
        await self._server.start()
        self._start(self._serve())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._esmes[event.session_id] = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                self._take(event)
            else:
                self._esmes.pop(event.session_id, None)

    def _take(self, message: smpp34.SubmitSmEvent) -> None:
        behaviour = behaviour_of(message.destination_addr).name
        if behaviour in _REFUSED:
            message.reject(consts.SMPP_ESME_RINVDSTADR)
            return
        message_id = f"{next(self._ids):x}"
        message.accept(message_id=message_id)
        if behaviour != "slow":
            self._start(self._deliver(message.destination_addr, message.source_addr, message_id, behaviour))

    async def _deliver(self, phone: str, office: str, message_id: str, behaviour: str) -> None:
        await asyncio.sleep(RECEIPT_AFTER)
        tlvs = [
            smpp34.Tlv(RECEIPTED_MESSAGE_ID, f"{message_id}\0".encode()),
            smpp34.Tlv(MESSAGE_STATE, bytes([_fate(phone, behaviour)])),
        ]
        await self._hand_over(phone, office, b"", _RECEIPT, 0, tlvs)
        if reply := _REPLIES.get(behaviour):
            await asyncio.sleep(RECEIPT_AFTER)
            await self._hand_over(phone, office, reply.encode("utf-16-be"), 0, _UCS2, [])

    async def _hand_over(
        self, phone: str, office: str, octets: bytes, esm_class: int, coding: int, tlvs: list[smpp34.Tlv]
    ) -> None:
        """To whoever is bound and can receive; like carriers, again and again until it is acknowledged."""
        while True:
            for esme in [one for one in self._esmes.values() if one.can_receive]:
                try:
                    told = await esme.deliver_sm(
                        office, octets, source_addr=phone, esm_class=esm_class, data_coding=coding, tlvs=tlvs
                    )
                except smpp34.SmppError:
                    continue
                if told.is_success:
                    return
            await asyncio.sleep(RECEIPT_AFTER)


def _fate(phone: str, behaviour: str) -> int:
    if behaviour in _UNDELIVERABLE:
        return _UNDELIVERED
    return _EXPIRED if behaviour == "no-answer" and int(phone[-1]) % 2 else _DELIVERED
