"""Pacing: ours beside the others on the simulated floor of bench/pacing_sim.py; the tables and the chart of docs/pacing.md.

`python -m bench pacing` runs a short selection. `python -m bench.pacing table|hard|shifts|optimum|speed [--seeds N] [--teams 3,5]`
runs one in full and prints it as the docs have it (of the table, `--only ours` only ours); `chart FILE` draws into FILE
what `table` printed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ami_bridge.pacing import PredictivePacer, ProgressivePacer
from bench.pacing_chart import draw
from bench.pacing_optimum import LINES, bound
from bench.pacing_others import ErlangB, FixedRatio, Issabel, Vicidial
from bench.pacing_sim import STAGED, Day, Pacer, Scenario, constant, simulate, step
from bench.rows import Row, percentile

TEAMS = (3, 5, 10, 20, 50)
TARGETS = (0.01, 0.026)
CAP = 0.03
MIDDAY = 4 * 3600.0
AFTER = 300.0

BARS: Mapping[tuple[int, float], float] = {
    (3, 0.01): 69.5,
    (5, 0.01): 73.5,
    (10, 0.01): 79.0,
    (20, 0.01): 84.5,
    (50, 0.01): 90.0,
    (3, 0.026): 73.0,
    (5, 0.026): 76.5,
    (10, 0.026): 82.0,
    (20, 0.026): 87.0,
    (50, 0.026): 92.0,
}
"""Utilisation to reach, percent, by operators and target."""


def ours(target: float) -> Pacer:
    """Our pacer, knowing nothing."""
    return PredictivePacer(target_abandonment=target, max_lines=400, calls_per_second=20.0, cap=CAP)


def one_line() -> Pacer:
    """One line per free operator."""
    return ProgressivePacer(target_abandonment=0.0, max_lines=400, calls_per_second=20.0, cap=CAP)


PACERS: Mapping[str, Callable[[], Pacer]] = {
    "one line per operator": one_line,
    "fixed ratio 1.5": lambda: FixedRatio(1.5),
    "VICIdial HARD_LIMIT": lambda: Vicidial("HARD_LIMIT"),
    "VICIdial AVERAGE": lambda: Vicidial("AVERAGE"),
    "VICIdial TAPERED": lambda: Vicidial("TAPERED"),
    "Issabel": lambda: Issabel(overcommit=False),
    "Issabel overcommit": lambda: Issabel(overcommit=True),
    "Erlang B, 2.6 %": lambda: ErlangB(0.026),
    "ours, 1 %": lambda: ours(0.01),
    "ours, 2.6 %": lambda: ours(0.026),
}


@dataclass(frozen=True)
class Result:
    """Several days of one pacer."""

    days: Sequence[Day]

    @property
    def utilisation(self) -> float:
        """Percent of all staffed time."""
        return 100.0 * sum(d.busy for d in self.days) / sum(d.staffed for d in self.days)

    @property
    def abandonment(self) -> float:
        """Percent of all answered."""
        return 100.0 * sum(d.abandoned for d in self.days) / max(1, sum(d.answered for d in self.days))

    @property
    def interval(self) -> float:
        """Half the 95 % interval of the mean abandonment of a day, in percent points."""
        if len(self.days) < 2:
            return math.nan
        return 196.0 * statistics.stdev(d.abandonment for d in self.days) / math.sqrt(len(self.days))

    @property
    def conversations(self) -> float:
        """Conversations of an operator in an hour."""
        return statistics.fmean(d.conversations_per_hour for d in self.days)

    @property
    def worst(self) -> float:
        """The highest share lost on a day, percent."""
        return 100.0 * max(d.abandonment for d in self.days)

    @property
    def over(self) -> float:
        """Percent of the days that are above the cap; two lost are always allowed."""
        return 100.0 * statistics.fmean(over_cap(d) for d in self.days)

    def __str__(self) -> str:
        wait = percentile([wait for d in self.days for wait in d.waits], 0.95)
        peak = max(d.peak_lines for d in self.days)
        return (
            f"{self.utilisation:5.1f} % | {self.conversations:5.2f} | {self.abandonment:5.2f} ±{self.interval:4.2f} % | "
            f"{self.worst:5.2f} % | {self.over:4.0f} % | {wait:5.0f} s | {peak:4d}"
        )


HEADER = "utilisation | conversations per operator-hour | abandoned | worst day | days over cap | p95 operator wait | peak lines"


def over_cap(day: Day) -> bool:
    """Whether a day ended above the cap. Two lost calls are never too many."""
    return day.abandoned > max(2.0, CAP * day.answered)


def days(scenario: Scenario, pacer: Callable[[], Pacer], seeds: Iterable[int]) -> Result:
    """Simulate the days of these seeds."""
    return Result([simulate(scenario, pacer(), seed) for seed in seeds])


def scenarios(operators: int) -> Mapping[str, Scenario]:
    """The days that are not stationary, or not those of the notes."""
    half = range(operators // 2)
    return {
        "answer rate 15 %": Scenario(operators, answer=constant(0.15)),
        "answer rate 40 %": Scenario(operators, answer=constant(0.40)),
        "mixed numbers, known": Scenario(operators, spread=1.2, informed=True),
        "mixed numbers, unknown": Scenario(operators, spread=1.2),
        "AMI 1 s late": Scenario(operators, lag=1.0),
        "talk doubles at noon": Scenario(operators, talk=step(120.0, 240.0, MIDDAY)),
        "answer rate halves": Scenario(operators, answer=step(0.25, 0.125, MIDDAY)),
        "answer rate doubles": Scenario(operators, answer=step(0.25, 0.5, MIDDAY)),
        "60 % for ten minutes": Scenario(operators, answer=step(0.25, 0.6, MIDDAY, MIDDAY + 600.0)),
        "half the team leaves": Scenario(operators, away=[(n, MIDDAY, MIDDAY + 3600.0) for n in half]),
    }


# -- a run of `make bench` --------------------------------------------------------------------------------------------


def run() -> Sequence[Row]:
    """A short selection: three seeds and small teams, with the bars of utilisation only shown (they need ten seeds)."""
    rows: list[Row] = []
    for operators, target in ((3, 0.026), (10, 0.01), (10, 0.026)):
        found = days(Scenario(operators), lambda target=target: ours(target), range(3))  # type: ignore[misc]
        name = f"pacing, {operators} operators, target {100 * target:g} %, 3 days"
        rows.append(Row(f"{name}: utilisation", found.utilisation, "%"))
        rows.append(Row(f"{name}: abandoned", found.abandonment, "%", 100.0 * CAP))
        rows.append(Row(f"{name}: days over the cap", found.over, "%", 0.0))
    base = days(Scenario(10), one_line, range(3))
    rows.append(Row("pacing, 10 operators, one line per operator: utilisation", base.utilisation, "%"))
    rows.append(Row("pacing, a decision at 50 operators and 300 ringing lines: mean", decision_ms(), "ms", 1.0))
    return rows


def decision_ms() -> float:
    """Processor milliseconds of a decision, on a floor of 50 operators with 300 lines kept ringing."""
    pacer = PredictivePacer(target_abandonment=0.026, max_lines=400, calls_per_second=100.0)
    for number in range(50):
        pacer.agent_state(f"op{number}", ("talking", "talking", "talking", "wrapup", "ready")[number % 5], -number)
    for number in range(300):
        pacer.call_placed(f"c{number}", -30.0 + number / 10.0)
    spent, decisions = 0.0, 400
    for decision in range(decisions):
        now = decision * 0.5
        for late in range(5):  # the five oldest ring out, five new ones take their place
            oldest = decision * 5 + late
            pacer.call_ended(f"c{oldest}", answered=False, now=now)
            pacer.call_placed(f"c{oldest + 300}", now)
        started = time.thread_time()
        pacer.calls_to_place(now)
        spent += time.thread_time() - started
    return 1000.0 * spent / decisions


# -- the full tables --------------------------------------------------------------------------------------------------


def table(teams: Sequence[int], seeds: int, only: str = "") -> None:
    """Every pacer whose name has `only` in it, at every team size, in the stationary setting."""
    chosen = {name: pacer for name, pacer in PACERS.items() if only in name}
    print(f"operators | pacer | {HEADER}")
    for operators in teams:
        for name, pacer in chosen.items():
            print(f"{operators:3d} | {name:22} | {days(Scenario(operators), pacer, range(seeds))}", flush=True)


def hard_days(teams: Sequence[int], seeds: int) -> None:
    """Ours on the days that change, with the five minutes after the change."""
    print(f"operators | day | target | {HEADER} | lost in the 5 min after | one line per operator")
    for operators in teams:
        for name, scenario in scenarios(operators).items():
            base = days(scenario, one_line, range(max(2, seeds // 3)))
            for target in TARGETS:
                found = days(scenario, lambda target=target: ours(target), range(seeds))  # type: ignore[misc]
                after = [day.lost_between(MIDDAY, MIDDAY + AFTER) for day in found.days]
                share = 100.0 * sum(b for _, b in after) / max(1, sum(a for a, _ in after))
                print(
                    f"{operators:3d} | {name:22} | {100 * target:3.1f} % | {found} | {share:5.1f} % | {base.utilisation:5.1f} %",
                    flush=True,
                )


def short_shifts(teams: Sequence[int], seeds: int) -> None:
    """Shifts of one to four hours: how many end above the cap, or with more than two lost under 67 answers."""
    print(f"operators | hours | target | {HEADER}")
    for operators in teams:
        for hours in (1.0, 2.0, 3.0, 4.0):
            for target in TARGETS:
                scenario = Scenario(operators, hours=hours)
                found = days(scenario, lambda target=target: ours(target), range(seeds))  # type: ignore[misc]
                print(f"{operators:3d} | {hours:g} h | {100 * target:3.1f} % | {found}", flush=True)


def optimum(teams: Sequence[int], seeds: int) -> None:
    """Ours on the floor of stages, beside the most that anybody could reach there (some minutes for three operators)."""
    print(f"operators | target | at most | {HEADER}")
    for operators in teams:
        for target in TARGETS:
            found = days(
                Scenario(operators, stages=STAGED),
                lambda target=target: ours(target),
                range(seeds),  # type: ignore[misc]
            )
            most = 100.0 * bound(operators, found.abandonment / 100.0)
            print(f"{operators:3d} | {100 * target:3.1f} % | {most:5.1f} % | {found}", flush=True)


def main(words: Sequence[str]) -> None:
    """See the module docstring."""
    parser = argparse.ArgumentParser(prog="python -m bench.pacing")
    parser.add_argument("what", choices=("table", "hard", "shifts", "optimum", "speed", "chart"))
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--teams", default=",".join(map(str, TEAMS)))
    parser.add_argument("--only", default="", help="of the table, the pacers with this in their name")
    given = parser.parse_args(words)
    teams = [int(word) for word in given.teams.split(",")]
    if given.what == "speed":
        print(f"{decision_ms():.3f} ms")
    elif given.what == "chart":
        draw(sys.stdin.read(), given.file or Path("docs/pacing.svg"))
    elif given.what == "optimum":
        optimum([team for team in teams if team in LINES], given.seeds)
    elif given.what == "table":
        table(teams, given.seeds, given.only)
    else:
        {"hard": hard_days, "shifts": short_shifts}[given.what](teams, given.seeds)


if __name__ == "__main__":
    main(sys.argv[1:])
