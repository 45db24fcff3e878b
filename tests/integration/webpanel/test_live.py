"""Live changes (SSE): to each user what concerns them, as ids without content, and nothing is missed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse

from db.outbox import Change, Cursor, publish
from db.rules.terms import Area
from db.usecases import accounts, duty
from tests.integration.db.people import NOW
from tests.integration.webpanel.conftest import Browser, Panel
from webpanel.live import views
from webpanel.live.hub import HUB, QUEUE, Stream
from webpanel.metrics import METRICS

Event = tuple[str, str, dict[str, str]]


class Reader:
    """Reads the events of one stream."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self) -> Event | None:
        """The next event (name, id, data); None at the end of the stream. Signs of life are passed over."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            if text and not text.startswith(":"):
                name, _, value = text.partition(": ")
                fields[name] = value
            elif not text and fields:
                return fields["event"], fields["id"], json.loads(fields["data"])
        return None


@asynccontextmanager
async def stream(browser: Browser, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    async with asyncio.timeout(20), browser.client.get(f"/events{query}", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Reader(response)


def say(panel: Panel, topic: str, key: object, user_id: int | None = None) -> None:
    with panel.database.write() as tx:
        publish(tx, NOW, topic, key, user_id)


async def test_a_user_hears_of_what_is_theirs_and_of_nothing_else(panel: Panel) -> None:
    me, other = panel.user("sato"), panel.user("suzuki")
    browser = await panel.browser("sato")
    async with stream(browser) as reader:
        assert (await reader.next() or ("",))[0] == "ready"
        say(panel, "call", "theirs", other.user_id)
        say(panel, "debtor", 77)
        say(panel, "recall", 88)
        say(panel, "call", "mine", me.user_id)
        first, second = await reader.next(), await reader.next()
    assert first is not None
    assert second is not None
    assert first[2] == {"topic": "recall", "key": ""}
    assert second[2] == {"topic": "call", "key": "mine"}


@pytest.mark.req("C1", "T14")
async def test_who_watches_the_floor_hears_that_it_changed_if_they_may_see_it(panel: Panel) -> None:
    me, other = panel.user("sato"), panel.user("boss", "supervisor")
    for login, heard in (("boss", "floor"), ("sato", "call")):
        async with stream(await panel.browser(login), "?watch=floor") as reader:
            await reader.next()
            say(panel, "duty", "somebody", 0)
            say(panel, "call", "mine", me.user_id if login == "sato" else other.user_id)
            event = await reader.next()
        assert event is not None
        assert event[2] == {"topic": heard, "key": "" if heard == "floor" else "mine"}


@pytest.mark.req("C1", "T15")
async def test_a_record_is_watched_only_by_those_who_may_see_it(panel: Panel) -> None:
    panel.user("sato")
    tax, health = panel.small.debtor(), panel.small.debtor(area=Area.HEALTH, phone=None, owes=0)
    browser = await panel.browser("sato")
    async with stream(browser, f"?watch=debtor:{tax}&watch=debtor:{health}&watch=debtor:x&watch=call:1") as reader:
        await reader.next()
        say(panel, "debtor", health)
        say(panel, "debtor", tax)
        heard = await reader.next()
    assert heard is not None
    assert heard[2] == {"topic": "debtor", "key": str(tax)}


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_browser_that_comes_back_is_told_what_it_missed(panel: Panel, how: str) -> None:
    me = panel.user("sato")
    browser = await panel.browser("sato")
    say(panel, "call", "seen", me.user_id)
    async with stream(browser) as reader:
        ready = await reader.next()
    assert ready is not None
    say(panel, "call", "missed", me.user_id)
    headers, query = ({"Last-Event-ID": ready[1]}, "") if how == "header" else ({}, f"?after={ready[1]}")
    async with stream(browser, query, **headers) as reader:
        await reader.next()
        missed = await reader.next()
        say(panel, "call", "new", me.user_id)
        new = await reader.next()
    assert missed is not None
    assert new is not None
    assert [missed[2]["key"], new[2]["key"]] == ["missed", "new"], "each once, in order"


async def test_a_place_that_is_no_place_starts_from_now(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    for wrong in ("x", "999999-999999", "-1", "'; DROP TABLE outbox"):
        async with stream(browser, **{"Last-Event-ID": wrong}) as reader:
            event = await reader.next()
            assert event is not None
            assert event[0] == "ready"


async def test_duty_in_one_browser_is_heard_in_the_other(panel: Panel) -> None:
    user, seat = panel.user("sato"), panel.small.seat()
    first, second = await panel.browser("sato"), await panel.browser("sato")
    async with stream(second) as reader:
        await reader.next()
        assert (await first.post("/duty/start", {"seat": seat}))[0] == 204
        topics = {
            (event or ("", "", {"topic": ""}))[2]["topic"] for event in (await reader.next(), await reader.next())
        }
    assert topics == {"duty", "command"}
    with panel.database.read() as tx:
        assert duty.required(tx, user).seat == seat


@pytest.mark.req("C1")
async def test_a_stream_does_not_outlive_its_session(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    user = panel.user("sato")
    browser = await panel.browser("sato")
    monkeypatch.setattr(views, "BEAT", 0.05)
    async with stream(browser) as reader:
        await reader.next()
        with panel.database.write() as tx:
            accounts.revoke_sessions(tx, user.user_id, NOW)
        assert await reader.next() is None


async def test_the_panel_stops_although_streams_are_open(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    async with stream(browser) as reader:
        await reader.next()
        app = panel.server.app  # type: ignore[attr-defined]
        assert app[METRICS].streams == 1
        app[HUB].end_all()
        assert await reader.next() is None


def test_a_stream_that_nobody_reads_is_cut_and_holds_no_more_than_its_queue() -> None:
    slow = Stream(7, frozenset())
    for number in range(QUEUE + 50):
        slow.give(Change(Cursor(0, number), "call", str(number), 7))
    assert slow.cut
    assert slow.queue.get_nowait() is None
    assert slow.queue.empty()
