"""`saikoku doctor` against a real PBX (P2): all is well, the password is wrong, the dialplan is missing, nobody is there."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ami_bridge.checks import CONTEXTS, check_pbx
from db.findings import Finding, Level
from db.settings import AmiSettings, Secret, environment
from saikoku import doctor
from saikoku.__main__ import main
from saikoku.dialplan_lint import HOOKS
from saikoku.lab.asterisk import free_port
from saikoku.lab.pbx import Lab

NAMES = [f"saikoku-hook-{name}" for name in HOOKS]


def reaching(lab: Lab) -> AmiSettings:
    return AmiSettings(port=lab.ami_port, secret=Secret(lab.ami_secret))


async def looked(ami: AmiSettings, *, detects: bool = False) -> list[Finding]:
    async with asyncio.timeout(60):
        return await check_pbx(ami, NAMES, time.time, detects=detects)


@pytest.mark.req("P2")
async def test_a_pbx_as_it_should_be(lab: Lab) -> None:
    found = await looked(reaching(lab), detects=True)
    assert [one for one in found if one.level is not Level.OK] == []
    said = "\n".join(one.what for one in found)
    for words in (
        f"Asterisk {lab.version}",
        f"all {len(CONTEXTS)} contexts",
        f"all {len(HOOKS)} hooks",
        "clock agrees",
        "may do all",
        "app_chanspy, app_amd, app_waitforsilence loaded",
    ):
        assert words in said


@pytest.mark.req("P2")
async def test_a_host_on_which_all_is_well(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "database.url": f"sqlite:///{tmp_path}/register.db",
        "office.run_dir": tmp_path,
        "ami.port": lab.ami_port,
        "ami.secret": lab.ami_secret,
        "dial.recordings_dir": lab.recordings,
    }
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "FREE_BAD", 0)  # not a test of this machine's disk

    def shell() -> int:
        assert main(["db", "upgrade"]) == 0
        return main(["doctor", "--asterisk", str(lab.office.etc)])

    status = await asyncio.to_thread(shell)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("bad")] == []
    assert status == 0
    assert lab.ami_secret not in "\n".join(lines)
    assert any(line.startswith("ok    the files in") for line in lines), lines


@pytest.mark.req("P2")
async def test_a_wrong_password_is_said_once_and_never_shown(lab: Lab) -> None:
    (found,) = await looked(replace(reaching(lab), secret=Secret("wrong-password")))
    assert found.level is Level.BAD
    assert "refuses the login of 'saikoku'" in found.what
    assert "manager.conf" in found.mend
    assert "wrong-password" not in str(found)


@pytest.mark.req("P2")
async def test_nobody_there(lab: Lab) -> None:
    (found,) = await looked(replace(reaching(lab), port=free_port()))
    assert found.level is Level.BAD
    assert "no manager link" in found.what


@pytest.mark.req("P2")
async def test_a_dialplan_and_a_module_that_are_missing(own_lab: Lab) -> None:
    etc = own_lab.office.etc
    (etc / "extensions.conf").write_text("[nothing]\nexten => s,1,Hangup()\n[saikoku-seat]\nexten => s,1,Hangup()\n")
    lines = (etc / "modules.conf").read_text().splitlines(keepends=True)
    without = ("app_confbridge", "app_chanspy", "app_amd")
    (etc / "modules.conf").write_text("".join(line for line in lines if not any(name in line for name in without)))
    await own_lab.office.restart()
    said = {one.what: one for one in await looked(reaching(own_lab))}
    missing = next(what for what in said if what.startswith("not loaded in the dialplan"))
    assert said[missing].level is Level.BAD
    assert "saikoku-answered" in missing
    assert "saikoku-seat" not in missing
    assert said["app_confbridge is not loaded"].level is Level.BAD
    assert said["app_chanspy is not loaded: supervisors cannot listen to calls or whisper"].level is Level.BAD
    assert not any("app_amd" in what for what in said), "nobody needs it"
    hooks = next(what for what in said if what.startswith("hooks not loaded"))
    assert said[hooks].level is Level.WARN


@pytest.mark.req("P2")
async def test_rights_that_are_lacking(own_lab: Lab) -> None:
    rights = own_lab.office.etc / "saikoku-manager.conf"
    rights.write_text(rights.read_text().replace("write = originate,call,reporting", "write = reporting"))
    await own_lab.office.cli("manager reload")
    found = await looked(reaching(own_lab))
    assert [one.what for one in found if one.level is Level.BAD] == [
        "the manager user lacks write = call,originate"
    ]  # fmt: skip
