"""Several carriers: which one a message goes to by its number, and to which next if it surely did not go out.

A route is what was agreed with a carrier about messages; how to reach it is its link's `LinkSettings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from db.rules.texts.parts import Allowance, Joining, compose
from sms_smpp.pdu import Address, Submission
from sms_smpp.values import Accepted, NotSent, Outcome

_JAPAN: Final = "+81"
_INTERNATIONAL: Final = 1
_NATIONAL: Final = 2


class Submits(Protocol):
    """What a route needs of its link."""

    async def submit(self, submission: Submission) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Route:
    """`sender`: the registered sender. `prefixes` in E.164. `national`: the carrier wants `090…` and not `8190…`.

    `validity`: so long the carrier tries, in SMPP's own form (`000001000000000R` is a day); empty for its own default.
    `gone_codes`: its own codes in receipts that mean that there is no such number.
    """

    name: str
    sender: Address
    prefixes: tuple[str, ...] = (_JAPAN,)
    national: bool = False
    allowance: Allowance = field(default_factory=Allowance)
    validity: str = ""
    gone_codes: frozenset[str] = frozenset()

    def submissions(self, message: Message) -> tuple[Submission, ...]:
        """What goes over this route, part by part. Raises TextError where the route does not take the text."""
        composition = _composed(message.text, self.allowance)
        payload = composition.joining is Joining.PAYLOAD and composition.units > 1
        return tuple(
            Submission(
                self.sender,
                self._destination(message.number),
                part.header + part.body,
                composition.coding,
                has_header=bool(part.header),
                payload=payload,
                validity=self.validity,
                tag=f"{message.tag}/{number}",
            )
            for number, part in enumerate(composition.parts(message.reference), 1)
        )

    def _destination(self, number: str) -> Address:
        if self.national and number.startswith(_JAPAN):
            return Address(f"0{number.removeprefix(_JAPAN)}", _NATIONAL)
        return Address(number.removeprefix("+"), _INTERNATIONAL)


@dataclass(frozen=True, slots=True)
class Message:
    """A text for one number (E.164). `reference`: counts this recipient's messages; `tag`: the caller's own name for it, which
    its parts carry with their numbers (`tag/1`).
    """

    number: str = field(repr=False)
    text: str = field(repr=False)
    reference: int = 0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """By which route (empty: none has that number), in how many parts, and what became of each up to the first that was not
    accepted."""

    route: str
    parts: int
    outcomes: tuple[Outcome, ...]


class Routes:
    """The routes with their links, in the order in which the admin prefers them."""

    def __init__(self, routes: Sequence[tuple[Route, Submits]]) -> None:
        self._routes = tuple(routes)

    def for_number(self, number: str) -> list[tuple[Route, Submits]]:
        """Those with the longest matching prefix first."""
        matching = [(_match(route, number), route, link) for route, link in self._routes]
        return [(route, link) for length, route, link in sorted(matching, key=lambda found: -found[0]) if length]

    async def send(self, message: Message) -> Sent:
        """Try one route after the other until the first part is not surely unsent; from there on stay with it.

        Raises TextError and BadField.
        """
        sent = Sent("", 0, (NotSent("no route has this number"),))
        for route, link in self.for_number(message.number):
            submissions = route.submissions(message)
            sent = Sent(route.name, len(submissions), await _in_order(link, submissions))
            if not isinstance(sent.outcomes[0], NotSent):
                break
        return sent


async def _in_order(link: Submits, parts: Sequence[Submission]) -> tuple[Outcome, ...]:
    """A phone shows nothing good of a text that lacks a part: after one that was not accepted no other follows."""
    outcomes: list[Outcome] = []
    for part in parts:
        outcomes.append(await link.submit(part))
        if not isinstance(outcomes[-1], Accepted):
            break
    return tuple(outcomes)


_composed: Final = lru_cache(maxsize=32)(compose)
"""The messages of a batch have one text."""


def _match(route: Route, number: str) -> int:
    return max((len(prefix) for prefix in route.prefixes if number.startswith(prefix)), default=0)
