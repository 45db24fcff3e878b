"""`python -m bench [NAME …]`: run all benches, or those named; exit status 1 if a bar is not reached."""

import sys
from collections.abc import Mapping

from bench import (
    agi,
    best_time,
    calls,
    daemons,
    day,
    debtor_page,
    extraction,
    imports,
    join,
    pbx_pacing,
    pop,
    sms,
    sse,
    workflow,
)
from bench.rows import Bench, machine

BENCHES: Mapping[str, Bench] = {
    "debtor_page": debtor_page.run,
    "daemons": daemons.run,
    "join": join.run,
    "agi": agi.run,
    "extraction": extraction.run,
    "workflow": workflow.run,
    "sse": sse.run,
    "pop": pop.run,
    "best_time": best_time.run,
    "imports": imports.run,
    "sms": sms.run,
    "day": day.run,
    "calls": calls.run,
    "pbx_pacing": pbx_pacing.run,
}


def main(names: list[str]) -> int:
    """Run them one after the other, so that they do not disturb each other."""
    print(machine(), flush=True)
    reached = True
    for name in names or BENCHES:
        for row in BENCHES[name]():
            print(row, flush=True)
            reached = reached and row.reached
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
