"""Asking the rule of contact about the cases on a list of targets, for what is made of the list: letters, visits.

In portions of some hundred, each in a transaction of its own, so that a list of 100,000 holds nobody up.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlalchemy import Connection

from db.rules import bits
from db.rules.eligibility import Decision
from db.rules.terms import Area, Channel
from db.rules.viewer import Viewer
from db.store import calls, targets
from db.store.targets import ListedCase
from db.usecases.contact_facts import Target

TOGETHER: Final = 300
"""Cases of one portion."""
ON_THE_LINE: Final = "本人確認前の通話中のため対象にできません。"

Ask: TypeAlias = Callable[[Sequence[Target]], Sequence[Decision]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A case of a list, and why it is left out; none of these: it may be contacted."""

    case: ListedCase
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """How many cases of a list may be contacted, how many may not, and how often each reason stands in the way."""

    free: int = 0
    left_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, judged: Iterable[Judged]) -> None:
        """Count some more."""
        for one in judged:
            self.free += not one.reasons
            self.left_out += bool(one.reasons)
            self.reasons.update(one.reasons)


def judge(
    tx: Connection, viewer: Viewer, list_id: uuid.UUID, after: int, channel: Channel, ask: Ask, size: int = TOGETHER
) -> tuple[list[Judged], int | None]:
    """Ask about a portion of a list after a person's id; also where the next begins, None after the last.

    Who is on the viewer's line and has not proved who they are is left out, and the reason tells nothing of them (C5).
    """
    cases, following = targets.portion(tx, viewer, list_id, size, after)
    hidden = calls.unproven(tx, viewer)
    decisions = ask([Target(case.debtor_id, case.area, channel) for case in cases])
    found = []
    for case, decision in zip(cases, decisions, strict=True):
        said = tuple(reason.text for reason in decision.reasons)
        found.append(Judged(case, (ON_THE_LINE,) if case.debtor_id in hidden else said))
    return found, following


def areas_of(tx: Connection, viewer: Viewer, list_id: uuid.UUID) -> list[Area]:
    """The business areas of a list's cases, as far as the viewer's go, in the order of the enumeration."""
    return [area for area in bits.members(bits.AREAS, targets.areas(tx, list_id)) if area in viewer.areas()]
