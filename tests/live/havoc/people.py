"""Those who work in an office that breaks: operators before the panel's pages, and citizens who call back.

An operator does what a person does when something does not answer: looks at the page again and goes on from what it shows.
Nothing is ever sent again without having looked.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from saikoku.lab.asterisk import AsteriskFailed
from saikoku.lab.pbx import Lab
from webpanel.errors import FRAGMENT_HEADER
from webpanel.sessions import CSRF_HEADER

PASSWORD: Final = "Correct-Horse-9"
LOOK_EVERY: Final = 0.6
AGAIN: Final = 3.0
"""Seconds before a phone is rung again that did not come up."""

_CALL = re.compile(r"/calls/([0-9a-f-]{36})/")
_RECORD = re.compile(r'data-record href="/debtors/(\d+)"')
_RESULT = re.compile(r'action="/calls/([0-9a-f-]{36})/result"')
_NO_PAGE = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Person:
    """A citizen; `phone_id` is their number on the record, `number` as dialled."""

    debtor_id: int
    phone_id: int
    number: str


@dataclass
class Operator:
    """One operator at one seat, who calls whoever comes next."""

    panel: str
    login: str
    seat: str
    todo: Iterator[Person]
    chance: random.Random
    shown: set[str] = field(default_factory=set)
    placed: int = 0
    csrf: str = ""
    rings: bool = True  # their phone, when it is down
    rested: bool = False  # nothing to do and nothing owed
    _rung: float = 0.0
    _hang_up_at: dict[str, float] = field(default_factory=dict)

    async def work(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=20)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as self._web:
            while True:
                try:
                    if not self.csrf:
                        await self._log_in()
                    await self._look()
                except _NO_PAGE:
                    self.rested = False
                await asyncio.sleep(LOOK_EVERY * (0.5 + self.chance.random()))

    async def _log_in(self) -> None:
        page = await self._get("/login")
        if 'name="password"' not in page:  # logged in before the panel died; it leads to the start
            self._take_token(page)
            return
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        if token is None:
            return
        form = {"csrf": token[1], "login": self.login, "password": PASSWORD, "next": "/"}
        async with self._web.post(f"{self.panel}/login", data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                return
        self._take_token(await self._get("/"))

    def _take_token(self, page: str) -> None:
        found = re.search(r'<meta name="csrf" content="([^"]+)"', page)
        self.csrf = found[1] if found else ""

    async def _get(self, path: str, *, part: bool = False) -> str:
        headers = {FRAGMENT_HEADER: "1"} if part else {}
        async with self._web.get(f"{self.panel}{path}", headers=headers) as answer:
            if answer.status != 200:
                raise TimeoutError
            return await answer.text()

    async def _post(self, path: str, **form: str) -> None:
        headers = {FRAGMENT_HEADER: "1", CSRF_HEADER: self.csrf}
        async with self._web.post(f"{self.panel}{path}", data=form, headers=headers) as answer:
            await answer.read()

    async def _look(self) -> None:
        bar = await self._get("/live/bar", part=True)
        self.rested = False
        if call := _CALL.search(bar):
            self.shown.add(call[1])
        if "/dismiss" in bar and call:
            await self._post(f"/calls/{call[1]}/dismiss")
        elif "/hangup" in bar and call:
            await self._on_the_line(bar, call[1])
        elif record := _RECORD.search(bar):
            await self._save(record[1])
        elif 'action="/duty/start"' in bar:
            await self._post("/duty/start", seat=self.seat)
        elif 'action="/duty/ring"' in bar:
            if self.rings and (now := asyncio.get_running_loop().time()) >= self._rung + AGAIN:
                self._rung = now
                await self._post("/duty/ring")
        elif "tone-ready" in bar:
            await self._next()

    async def _on_the_line(self, bar: str, call_id: str) -> None:
        """Talk for a while; most people hang up themselves, the operator ends the rest."""
        if "tone-talking" not in bar and "tone-lost" not in bar:
            return
        now = asyncio.get_running_loop().time()
        until = self._hang_up_at.setdefault(call_id, now + self.chance.uniform(0.2, 1.2))
        if now >= until:
            self._hang_up_at[call_id] = now + AGAIN
            await self._post(f"/calls/{call_id}/hangup")

    async def _save(self, debtor_id: str) -> None:
        page = await self._get(f"/debtors/{debtor_id}")
        if found := _RESULT.search(page):
            self.shown.add(found[1])
            await self._post(f"/calls/{found[1]}/result", disposition="talked_self", note="試験")

    async def _next(self) -> None:
        person = next(self.todo, None)
        if person is None:
            self.rested = True
            return
        self.placed += 1
        await self._post("/calls", debtor_id=str(person.debtor_id), phone_id=str(person.phone_id), area="tax")


async def call_back(lab: Lab, caller: Person, patience: float) -> None:
    """A citizen calls the office, and puts the receiver down when their patience is over."""
    try:
        await lab.call_office(caller.number)
        await asyncio.sleep(patience)
        await lab.hang_up_at_carrier(caller.number)
    except AsteriskFailed:
        return  # it was hung up at that moment
