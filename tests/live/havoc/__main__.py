"""`python -m tests.live.havoc [--rounds N] [--calls N] [--seed N] [--folder DIR] [--campaign]`: exit status 1 if anything was wrong.

Even rounds have SQLite, odd ones PostgreSQL. The folder of a round that went wrong is kept.

`--faults [KIND …] [--calls 1000]` plays the faults of a predictive campaign instead (`kinds`): the bridge killed twenty times over
so many calls, then each other kind over a fifth of them.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from saikoku.lab.obtain import AsteriskBuild, obtain
from tests.live.havoc.kinds import KINDS, USUAL
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
    parser.add_argument("--calls", type=int, default=0, help="of each round (200); with --faults, of the first (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--campaign", action="store_true", help="a predictive campaign dials, not the operators")
    parser.add_argument("--faults", nargs="*", choices=sorted(KINDS), help="of a campaign, by kind (without: all)")
    chosen = parser.parse_args()
    chosen.calls = chosen.calls or (USUAL if chosen.faults is not None else 200)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="havoc-"))
    folder.chmod(0o755)  # PostgreSQL's own user must get in
    rounds = dict(_faults(chosen) if chosen.faults is not None else _rounds(chosen))
    build = obtain()
    bad = sum(not _well(name, havoc, folder, build) for name, havoc in rounds.items())
    say(f"{len(rounds)} rounds of {sum(havoc.calls for havoc in rounds.values())} calls in all: {bad} wrong")
    return 1 if bad else 0


def _rounds(chosen: argparse.Namespace) -> Iterator[tuple[str, Havoc]]:
    for number in range(chosen.first, chosen.first + chosen.rounds):
        seed = chosen.seed * 1000 + number
        yield str(number), Havoc(chosen.calls, seed, postgres=number % 2 == 1, campaign=chosen.campaign)


def _faults(chosen: argparse.Namespace) -> Iterator[tuple[str, Havoc]]:
    for number, name in enumerate(chosen.faults or KINDS):
        kind = KINDS[name].over(chosen.calls)
        seed, postgres = chosen.seed * 1000 + number, (chosen.first + number) % 2 == 1
        yield name, Havoc(round(chosen.calls * kind.share), seed, postgres=postgres, campaign=True, kind=kind)


def _well(name: str, havoc: Havoc, folder: Path, build: AsteriskBuild) -> bool:
    """Play a round and say what came of it; whether all was well."""
    began = time.monotonic()
    try:
        verdict, faults = asyncio.run(play(havoc, folder / f"r{name}", build))
    except (ExceptionGroup, AssertionError) as error:
        say(f"round {name}: {error!r}")
        return False
    counts = ", ".join(f"{what} {count}" for what, count in sorted(verdict.counts.items()))
    said = f" ({havoc.kind.said})" if havoc.kind else ""
    say(f"round {name}{said}, {time.monotonic() - began:.0f} s: {len(verdict.wrong)} wrong; {counts}")
    for what in (*(faults if havoc.kind else ()), *verdict.wrong):
        say(f"  {what}")
    return not verdict.wrong


if __name__ == "__main__":
    raise SystemExit(main())
