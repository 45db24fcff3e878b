"""Rendering and installing the dialplan: ours are replaced, theirs are kept, edits are noticed."""

import dataclasses
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from ami_bridge import variables
from saikoku import dialplan
from saikoku.dialplan import DialplanError, DialplanSettings, EditedByHand

SETTINGS = DialplanSettings(recordings="/srv/rec", trunk="PJSIP/{number}@hikari", line_prefix="0", ami_secret="xyzzy")

CEL = "[general]\nenable=yes ; on\napps = dial, ConfBridge,UserEvent\nevents => APP_START,CHAN_START,CHAN_END,ANSWER,HANGUP\n"


@pytest.fixture
def pbx(tmp_path: Path) -> Path:
    """A PBX's configuration folder with everything installed and included, as FreePBX lays it out."""
    (tmp_path / "extensions.conf").write_text("[general]\n#include extensions_custom.conf\n")
    (tmp_path / "extensions_custom.conf").write_text('#include saikoku.conf\n#include "saikoku-hooks.conf"\n')
    (tmp_path / "confbridge.conf").write_text("[general]\n#include saikoku-confbridge.conf\n")
    (tmp_path / "manager.conf").write_text("[general]\n#include saikoku-manager.conf\n#include saikoku-secret.conf\n")
    (tmp_path / "cel_custom.conf").write_text("[mappings]\n#include saikoku-cel.conf\n")
    (tmp_path / "cel.conf").write_text(CEL)
    dialplan.install(tmp_path, SETTINGS)
    return tmp_path


def codes(folder: Path) -> list[str]:
    """What lint finds, as file:code."""
    return [f"{finding.file}:{finding.code}" for finding in dialplan.lint(folder)]


@pytest.mark.req("P1")
def test_settings_are_filled_in_and_no_placeholder_is_left() -> None:
    texts = dialplan.render(SETTINGS)

    assert set(texts) == {*dialplan.OURS, *dialplan.THEIRS}
    assert "Dial(PJSIP/0${EXTEN}@hikari)" in texts["saikoku.conf"]
    assert "/srv/rec/${SAIKOKU_RECORDING}" in texts["saikoku.conf"]
    assert "secret = xyzzy" in texts["saikoku-secret.conf"]
    assert not [name for name, text in texts.items() if "{{" in text]


@pytest.mark.req("P1")
def test_the_bridge_and_the_dialplan_use_the_same_names() -> None:
    text = "\n".join(dialplan.render(SETTINGS).values())
    shared = {name: value for name, value in vars(variables).items() if name.isupper() and isinstance(value, str)}

    for name, value in shared.items():
        if name.startswith("CONTEXT_"):
            assert f"[{value}]" in text, name
        elif name.startswith("EVENT_"):
            assert f"UserEvent({value}" in text, name
        elif value.startswith("SAIKOKU_"):
            assert f"${{{value}}}" in text, name
    assert f"ConfBridge({variables.room('${EXTEN}')}," in text
    assert variables.seat_of(variables.room("1001")) == "1001"
    assert variables.seat_of("9000") is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"trunk": "PJSIP/carrier"}, "trunk"),
        ({"line_prefix": "0,System"}, "line_prefix"),
        ({"recordings": "/srv\nexten => x,1,System(rm)"}, "recordings"),
        ({"music": "a;b"}, "music"),
        ({"ami_secret": "a\r\nwrite = all"}, "ami_secret"),
    ],
)
def test_a_setting_that_would_break_out_of_its_line_is_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(DialplanError, match=word):
        dataclasses.replace(SETTINGS, **changes)


def test_the_password_is_not_shown_with_the_settings() -> None:
    assert "xyzzy" not in repr(SETTINGS)


@pytest.mark.req("P1")
def test_a_first_installation_writes_all_and_says_which_includes_are_missing(tmp_path: Path) -> None:
    report = dialplan.install(tmp_path, SETTINGS)

    assert set(report.written) == {*dialplan.OURS, *dialplan.THEIRS}
    mends = " ".join(finding.mend for finding in report.findings)
    for name in ("saikoku.conf", "saikoku-hooks.conf", "saikoku-confbridge.conf", "saikoku-manager.conf"):
        assert f"`#include {name}`" in mends
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in report.written} == {0o640}


@pytest.mark.req("P1")
def test_an_upgrade_replaces_ours_and_never_touches_theirs(pbx: Path) -> None:
    hooks = "; our own\n[saikoku-hook-answered]\nexten => s,1,Return()\n"
    (pbx / "saikoku-hooks.conf").write_text(hooks)
    secret = (pbx / "saikoku-secret.conf").read_text()

    report = dialplan.install(
        pbx, dataclasses.replace(SETTINGS, trunk="PJSIP/{number}@other", ami_secret=""), force=True
    )

    assert report.written == ("saikoku.conf",)
    assert report.kept == dialplan.THEIRS
    assert "@other" in (pbx / "saikoku.conf").read_text()
    assert (pbx / "saikoku-hooks.conf").read_text() == hooks
    assert (pbx / "saikoku-secret.conf").read_text() == secret


@pytest.mark.req("P1")
def test_installing_twice_changes_nothing(pbx: Path) -> None:
    report = dialplan.install(pbx, SETTINGS)

    assert (report.written, report.unchanged, report.findings) == ((), dialplan.OURS, ())


@pytest.mark.req("P1")
def test_a_file_of_ours_that_was_edited_stops_the_installation_and_shows_the_change(pbx: Path) -> None:
    file = pbx / "saikoku.conf"
    changed = file.read_text().replace("Wait(5)", "Wait(17)")
    file.write_text(changed)
    (pbx / "saikoku-confbridge.conf").unlink()

    with pytest.raises(EditedByHand, match=re.escape("+ same => n,Wait(17)")):
        dialplan.install(pbx, SETTINGS)

    assert file.read_text() == changed
    assert not (pbx / "saikoku-confbridge.conf").exists(), "nothing is written if anything is refused"
    assert "saikoku.conf:edited" in codes(pbx)
    dialplan.install(pbx, SETTINGS, force=True)
    assert codes(pbx) == []


def test_without_a_password_install_makes_one(tmp_path: Path) -> None:
    dialplan.install(tmp_path, dataclasses.replace(SETTINGS, ami_secret=""))

    assert re.search(r"^secret = \S{32,}$", (tmp_path / "saikoku-secret.conf").read_text(), re.MULTILINE)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DialplanError, match="not a folder"):
        dialplan.install(tmp_path / "none", SETTINGS)


@pytest.mark.req("P1")
def test_lint_finds_nothing_in_a_good_installation(pbx: Path) -> None:
    assert codes(pbx) == []


@pytest.mark.req("P1")
def test_lint_finds_what_is_absent_old_or_not_included(pbx: Path) -> None:
    (pbx / "saikoku-confbridge.conf").unlink()
    (pbx / "extensions_custom.conf").write_text("#include saikoku.conf\n")
    ours = pbx / "saikoku-manager.conf"
    ours.write_text(ours.read_text().replace(f"saikoku {dialplan.version()} ", "saikoku 0.0.1 ", 1))

    assert set(codes(pbx)) == {
        "saikoku-confbridge.conf:absent",
        "confbridge.conf:not-included",
        "confbridge.conf:include-missing",
        "extensions.conf:not-included",
        "saikoku-manager.conf:version",
    }


@pytest.mark.req("P1")
def test_lint_reports_the_line_of_a_mistake_in_the_admins_hooks(pbx: Path) -> None:
    hooks = pbx / "saikoku-hooks.conf"
    hooks.write_text(
        hooks.read_text().replace("[saikoku-hook-hold]\nexten => s,1,", "[saikoku-hook-hold]\nexten => s,2,")
    )
    line = hooks.read_text().splitlines().index("exten => s,2,Return()") + 1

    (finding,) = dialplan.lint(pbx)

    assert str(finding).startswith(f"saikoku-hooks.conf:{line}: no-priority-1: ")
    assert finding.mend


@pytest.mark.req("P1", "P2", "T3")
@pytest.mark.parametrize(
    ("before", "after", "lacks"),
    [
        ("enable=yes", "enable=no", "`enable` lacks yes"),
        ("ConfBridge", "park", "`apps` lacks confbridge"),
        ("APP_START,CHAN_START,", "", "`events` lacks app_start, chan_start"),
        (CEL, "", "`enable` lacks yes"),
    ],
)
def test_a_record_that_asterisk_does_not_write_is_found(pbx: Path, before: str, after: str, lacks: str) -> None:
    (pbx / "cel.conf").write_text(CEL.replace(before, after))
    found = [finding.problem for finding in dialplan.lint(pbx) if finding.code == "cel"]
    assert found[0].startswith(lacks)


@pytest.mark.req("P1", "T3")
def test_all_events_are_enough(pbx: Path) -> None:
    (pbx / "cel.conf").write_text(CEL.replace("APP_START,CHAN_START,CHAN_END,ANSWER,HANGUP", "ALL"))
    assert codes(pbx) == []
