"""`python -m tests.live.havoc [--rounds N] [--calls N] [--seed N] [--folder DIR] [--campaign]`: exit status 1 if anything was wrong.

Even rounds have SQLite, odd ones PostgreSQL. The folder of a round that went wrong is kept.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from saikoku.lab.obtain import obtain
from tests.live.havoc.round import Havoc, play


def say(line: str) -> None:
    """At once, also into a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Play the rounds one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--campaign", action="store_true", help="a predictive campaign dials, not the operators")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="havoc-"))
    build, bad = obtain(), 0
    for number in range(chosen.first, chosen.first + chosen.rounds):
        began = time.monotonic()
        havoc = Havoc(chosen.calls, chosen.seed * 1000 + number, postgres=number % 2 == 1, campaign=chosen.campaign)
        try:
            verdict, _ = asyncio.run(play(havoc, folder / f"r{number}", build))
        except (ExceptionGroup, AssertionError) as error:
            say(f"round {number}: {error!r}")
            bad += 1
            continue
        counts = ", ".join(f"{name} {count}" for name, count in sorted(verdict.counts.items()))
        say(f"round {number} ({time.monotonic() - began:.0f} s): {len(verdict.wrong)} wrong; {counts}")
        for what in verdict.wrong:
            say(f"  {what}")
        bad += bool(verdict.wrong)
    say(f"{chosen.rounds} rounds of {chosen.calls} calls: {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
