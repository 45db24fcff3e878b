"""A small round of havoc (`tests.live.havoc`): all parts of an office are killed and frozen while people work in it."""

from pathlib import Path

import pytest

from saikoku.lab.obtain import AsteriskBuild
from tests.live.havoc.round import Havoc, play


@pytest.mark.req("T3", "T4", "T5", "T13")
@pytest.mark.parametrize("campaign", [False, True], ids=["clicks", "campaign"])
async def test_nobody_is_called_twice_and_nothing_is_lost_while_parts_are_killed_and_frozen(
    asterisk_build: AsteriskBuild, tmp_path: Path, campaign: bool
) -> None:
    havoc = Havoc(calls=16, seed=7, postgres=False, operators=6, every=(0.8, 2.0), campaign=campaign)
    verdict, faults = await play(havoc, tmp_path / "r", asterisk_build)
    assert verdict.wrong == [], faults
    assert verdict.counts["attempt ended"] > 0
    assert len(faults) > 2
