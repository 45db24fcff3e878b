"""Jobs of one call in order, of different calls beside each other; timers a call; a register that is patient."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from ami_bridge.lanes import Lanes
from ami_bridge.patience import Patience
from db.clock import FixedClock
from db.register import Register
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon

ONE, OTHER = uuid.uuid4(), uuid.uuid4()


class Story:
    """Jobs that write what they do, and stop at a gate if they are told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gate = asyncio.Event()
        self.reached = asyncio.Event()

    def job(self, line: str, *, waits: bool = False) -> Callable[[], Awaitable[str]]:
        async def run() -> str:
            if waits:
                self.reached.set()
                await self.gate.wait()
            self.lines.append(line)
            return line

        return run


@pytest.mark.req("T3")
async def test_jobs_of_one_call_keep_their_order_and_those_of_another_do_not_wait_for_them() -> None:
    story = Story()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks)
        await lanes.put(ONE, story.job("first", waits=True))
        second = await lanes.put(ONE, story.job("second"))
        await soon(lanes.run(OTHER, story.job("other")))
        story.gate.set()
        assert await soon(second) == "second"
    assert story.lines == ["other", "first", "second"]


@pytest.mark.req("T3")
async def test_a_full_house_makes_the_reader_wait() -> None:
    story = Story()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks, limit=2)
        await lanes.put(ONE, story.job("first", waits=True))
        await lanes.put(OTHER, story.job("other", waits=True))
        third = asyncio.create_task(lanes.put(ONE, story.job("third")))
        await soon(story.reached.wait())
        assert not third.done()
        story.gate.set()
        await soon(await soon(third))
    assert story.lines[-1] == "third"


@pytest.mark.req("T3")
async def test_a_lane_goes_on_when_whoever_waited_for_a_job_has_gone() -> None:
    story = Story()
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks)
        waiter = asyncio.create_task(lanes.run(ONE, story.job("first", waits=True)))
        await soon(story.reached.wait())
        waiter.cancel()
        story.gate.set()
        await soon(lanes.run(ONE, story.job("second")))
    assert story.lines == ["first", "second"]


@pytest.mark.req("T3")
async def test_a_bug_in_a_job_ends_the_bridge_instead_of_being_hidden() -> None:
    async def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.TaskGroup() as tasks:
            await Lanes(tasks).put(ONE, bug)
    assert ended.group_contains(ZeroDivisionError)


@pytest.mark.req("T3")
async def test_a_person_waits_from_the_first_word_of_it_and_only_while_it_is_so(clock: HeldTime) -> None:
    expired: asyncio.Queue[uuid.UUID] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        patience = Patience(tasks, clock, 45.0, expired.put)
        patience.set(ONE, waits=True)
        patience.set(ONE, waits=True)
        patience.set(OTHER, waits=True)
        patience.set(OTHER, waits=False)
        await clock.passes(45.0)
        assert await soon(expired.get()) == ONE
        patience.set(ONE, waits=False)
        assert clock.asleep() == []
    assert expired.empty()


class Sulking:
    """A database that fails so often before it works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    async def run(self, use_case: Callable[..., str], *args: Any) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return use_case(None, *args)


def patient(database: Sulking, clock: HeldTime) -> Register:
    now = FixedClock(datetime(2026, 11, 24, tzinfo=UTC))
    return Register(database, now, clock, chance=lambda: 1.0)  # type: ignore[arg-type]


def _write(_tx: Connection, word: str) -> str:
    return word


def _error(kind: type[Exception]) -> Exception:
    return kind("UPDATE phone SET number = '+819011112222'", {}, ValueError("locked"))


@pytest.mark.req("T3")
async def test_the_register_is_asked_until_it_takes_what_happened(
    clock: HeldTime, caplog: pytest.LogCaptureFixture
) -> None:
    database = Sulking(_error(OperationalError), _error(OperationalError))
    register = patient(database, clock)

    writing = asyncio.create_task(register.write(_write, "kept"))
    await clock.passes(0.2)
    await clock.passes(0.4)

    assert await soon(writing) == "kept"
    assert "_write" in caplog.text
    assert "+819011112222" not in caplog.text


@pytest.mark.req("T3")
async def test_what_waiting_does_not_mend_is_not_tried_again(clock: HeldTime) -> None:
    database = Sulking(_error(IntegrityError))
    register = patient(database, clock)

    with pytest.raises(IntegrityError):
        await register.write(_write, "kept")
