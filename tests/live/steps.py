"""The steps of a call in the bridge, from the claimed command to the written end, and a way to break something at one.

What breaks is called once, just before the step's own work: at `posted`, when the Originate has been written to the
socket and nothing was read back; at `ringing` to `gone`, when the event has been read and nothing is written yet.
"""

from collections.abc import Callable
from typing import Any, Final

from ami_bridge import variables as names
from ami_bridge.dialing import Dialing
from ami_bridge.tracking import Answered, Entered, Fact, Gone, Rang
from ami_bridge.transfers import Transfers
from ami_bridge.wire import LinkProtocol, Pending
from db.store.transfers import Legs

FACTS: Final = {"ringing": Rang, "answered": Answered, "joined": Entered, "gone": Gone}
STEPS: Final = ("claimed", "authorized", "posted", *FACTS)
HANDING_OVER: Final = ("to leave", "has left")
"""Steps of a transfer: the operator's phone is about to be brought home; Asterisk has done so and nothing is written yet."""


def break_at(step: str, do: Callable[[], None], patch: Callable[[Any, str, Any], None]) -> None:
    """Call `do` the first time that a call comes to `step`; `patch` is setattr, or a monkeypatch's."""
    left = [do]

    def broken() -> None:
        if left:
            left.pop()()

    if step in HANDING_OVER:
        _break_hand_over(step, broken, patch)
    elif step in FACTS:
        _break_fact(step, broken, patch)
    elif step == "posted":
        post = LinkProtocol.post

        def posted(self: LinkProtocol, pending: Pending) -> None:
            post(self, pending)
            if pending.get("Context") == names.CONTEXT_ANSWERED:
                broken()

        patch(LinkProtocol, "post", posted)
    else:
        name = {"claimed": "place", "authorized": "send"}[step]
        work = getattr(Dialing, name)

        async def worked(self: Dialing, *what: object) -> object:
            broken()
            return await work(self, *what)

        patch(Dialing, name, worked)


def _break_fact(step: str, broken: Callable[[], None], patch: Callable[[Any, str, Any], None]) -> None:
    apply = Dialing.apply

    async def applied(self: Dialing, fact: Fact) -> None:
        if isinstance(fact, FACTS[step]):
            broken()
        await apply(self, fact)

    patch(Dialing, "apply", applied)


def _break_hand_over(step: str, broken: Callable[[], None], patch: Callable[[Any, str, Any], None]) -> None:
    move = Transfers._move

    async def moved(self: Transfers, legs: Legs, context: str, seat: str) -> str | None:
        home = context == names.CONTEXT_SEAT
        if home and step == "to leave":
            broken()
        error = await move(self, legs, context, seat)
        if home:
            broken()
        return error

    patch(Transfers, "_move", moved)
