"""The faults of a predictive campaign, one kind a round: `python -m tests.live.havoc --faults`.

The first round is the long one, in which the bridge is killed twenty times; each of the others has one kind of fault, or citizens
and a carrier who all do the same. What must hold in each is `judge.campaign`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

TALKS, NO_ANSWER, AT_ONCE, CONGESTED = 0, 30, 98, 95
"""Last digits of numbers (`saikoku.lab.carrier`); to a line that is congested the carrier answers with SIP 503."""

USUAL: Final = 1000
"""Calls of the long round."""

MIXED: Final = (98, 98, 98, 0, 1, 80, 65, 85, 90, 93, 95, 30)
"""How the citizens behave, in equal parts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: which part breaks, how, how often with USUAL calls, and from and to how many seconds.

    `share`: of the calls that were asked for. `restarts`: every second time the part is not killed but stopped in order.
    """

    said: str
    endings: Sequence[int] = MIXED
    part: str = ""
    kills: bool = False
    restarts: bool = False
    times: int = 0
    seconds: tuple[float, float] = (0.2, 2.0)
    share: float = 0.2

    def over(self, calls: int) -> "Kind":
        """The same over another number of calls than USUAL: as many faults for each call."""
        return replace(self, times=max(min(self.times, 1), round(self.times * calls / USUAL)))


KINDS: Final[Mapping[str, Kind]] = {
    "bridge": Kind("the bridge is killed", part="bridge", kills=True, times=20, share=1.0),
    "link": Kind("the link to Asterisk is cut", part="link", times=8, seconds=(0.2, 6.0)),
    "asterisk": Kind("Asterisk is killed and restarted", part="office", kills=True, restarts=True, times=4),
    "database": Kind("the database is frozen for 10 s", part="database", times=3, seconds=(10.0, 10.0)),
    "carrier": Kind("the carrier fails 30 % of the calls with 503", (CONGESTED,) * 3 + (AT_ONCE, TALKS, 1, 80, 65, 85, NO_ANSWER)),
    "silence": Kind("nobody answers", (NO_ANSWER,)),
    "everybody": Kind("everybody answers at once", (AT_ONCE,)),
}  # fmt: skip
