"""A bare AMI client for the live tests: it shares no code with the bridge, so it can judge it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

Message = dict[str, str]
PATIENCE_SECONDS = 20.0  # only bounds a test that would otherwise hang; nothing is asserted about it


class Ami:
    """One connection; every event that came is in `events`, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.events: list[Message] = []
        self._responses: dict[str, Message] = {}
        self._reader = reader
        self._writer = writer
        self._news = asyncio.Condition()
        self._ids = count(1)

    async def read(self) -> None:
        """Read until the other side closes."""
        await self._reader.readline()  # the banner
        while message := await self._message():
            async with self._news:
                if "Event" not in message:  # OriginateResponse is an event that has a Response field
                    self._responses[message.get("ActionID", "")] = message
                else:
                    self.events.append(message)
                self._news.notify_all()

    async def _message(self) -> Message:
        message: Message = {}
        while (line := await self._reader.readline()) not in (b"\r\n", b""):
            key, _, value = line.decode().rstrip("\r\n").partition(": ")
            message[key] = value
        return message

    async def do(self, action: str, *variables: str, **fields: str) -> Message:
        """Send one action and return its response."""
        action_id = f"test-{next(self._ids)}"
        lines = [f"Action: {action}", f"ActionID: {action_id}", *(f"{key}: {value}" for key, value in fields.items())]
        lines += [f"Variable: {variable}" for variable in variables]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self._until(lambda: action_id in self._responses, f"response to {action}")
        return self._responses[action_id]

    async def event(self, name: str, *, times: int = 1, **fields: str) -> Message:
        """The first event (also an earlier one) with this name and these values, or the second, third, …"""

        def found() -> list[Message]:
            return [event for event in self.events if event["Event"] == name and fields.items() <= event.items()]

        await self._until(lambda: len(found()) >= times, f"event {name} {fields} × {times}")
        return found()[times - 1]

    async def _until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._news:
                await self._news.wait_for(true)
        except TimeoutError:
            last = [event["Event"] for event in self.events[-20:]]
            raise AssertionError(f"no {what}; last events: {last}") from None

    async def originate(
        self, channel: str, call: str, context: str, exten: str, *variables: str, **more: str
    ) -> Message:
        """Originate as the bridge does: Async, with the call's id as ChannelId."""
        fields = {"Channel": channel, "Context": context, "Exten": exten, "Priority": "1", "Async": "true", **more}
        return await self.do("Originate", *variables, ChannelId=call, **fields)

    async def hang_up_all(self) -> None:
        """End every call this connection has seen start, and wait until all are over."""
        ended = {event["Uniqueid"] for event in self.events if event["Event"] == "Hangup"}
        for event in [
            event for event in self.events if event["Event"] == "Newchannel" and event["Uniqueid"] not in ended
        ]:
            answer = await self.do("Hangup", Channel=event["Channel"])
            if answer["Response"] == "Success":  # otherwise it has ended meanwhile
                await self.event("Hangup", Uniqueid=event["Uniqueid"])


@asynccontextmanager
async def connected(host: str, port: int, user: str, secret: str) -> AsyncIterator[Ami]:
    """A logged-in connection."""
    reader, writer = await asyncio.open_connection(host, port)
    ami = Ami(reader, writer)
    reading = asyncio.create_task(ami.read())
    try:
        answer = await ami.do("Login", Username=user, Secret=secret)
        assert answer["Response"] == "Success", answer
        yield ami
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
