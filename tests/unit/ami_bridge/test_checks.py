"""What `saikoku doctor` makes of a PBX's answers (P2)."""

import pytest

from ami_bridge import checks
from db.findings import Finding, Level

HOOKS = ["saikoku-hook-hold", "saikoku-hook-hangup"]
ALL = frozenset({*checks.RIGHTS, *checks.MODULES, "Ping", "ShowDialPlan"})


def levels(found: list[Finding]) -> list[Level]:
    return [finding.level for finding in found]


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("16.28.0~dfsg+~cs6.12.40431414-1", Level.OK),
        ("22.10.1", Level.OK),
        ("certified/18.9-cert4", Level.OK),
        ("20.5.2", Level.OK),
        ("13.38.3", Level.BAD),
        ("23.0.0", Level.WARN),
        ("GIT-master-1234567", Level.WARN),
        ("", Level.WARN),
    ],
)
def test_versions(text: str, level: Level) -> None:
    found = checks.version(text)
    assert found.level is level
    assert bool(found.mend) is (level is not Level.OK)


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("timestamp", "level"),
    [
        ("1000.0", Level.OK),
        ("1001.9", Level.OK),
        ("1002.5", Level.WARN),
        ("990", Level.WARN),
        ("1100", Level.BAD),
        ("", Level.WARN),
    ],
)
def test_clocks(timestamp: str, level: Level) -> None:
    assert checks.clock_skew(timestamp, 1000.0).level is level


@pytest.mark.req("P2")
def test_a_clock_that_is_off_is_said_with_its_direction() -> None:
    assert "5.0 s ahead of" in checks.clock_skew("1005", 1000.0).what
    assert "5.0 s behind" in checks.clock_skew("995", 1000.0).what


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("lacking", "says"),
    [
        ({"Originate"}, "originate"),
        ({"Redirect", "Hangup"}, "call"),
        ({"CoreShowChannels"}, "reporting"),
        (ALL, "call,originate,reporting"),
    ],
)
def test_a_privilege_that_is_lacking_is_named(lacking: set[str], says: str) -> None:
    (found,) = checks.rights(ALL - lacking)
    assert found.level is Level.BAD
    assert found.what.endswith(f"write = {says}")


@pytest.mark.req("P2")
def test_names_of_actions_have_no_case() -> None:
    assert levels(checks.rights({name.lower() for name in ALL})) == [Level.OK, Level.OK]


@pytest.mark.req("P2")
@pytest.mark.parametrize(("action", "module"), sorted(checks.MODULES.items()))
def test_a_module_that_is_not_loaded_is_named(action: str, module: str) -> None:
    found = [one for one in checks.rights(ALL - {action}) if one.level is Level.BAD]
    assert [one.what for one in found] == [f"{module} is not loaded"]


@pytest.mark.req("P2")
def test_contexts_of_ours_are_needed_and_hooks_are_not() -> None:
    assert levels(checks.dialplan(set(), HOOKS)) == [Level.OK, Level.OK]
    assert levels(checks.dialplan({"saikoku-hook-hold"}, HOOKS)) == [Level.OK, Level.WARN]
    found = checks.dialplan({"saikoku-seat", "saikoku-hook-hold"}, HOOKS)
    assert levels(found) == [Level.BAD, Level.WARN]
    assert "saikoku-seat" in found[0].what
    assert "saikoku dialplan install" in found[0].mend


@pytest.mark.req("P2")
def test_a_finding_is_one_line() -> None:
    assert str(checks.ok("fine")) == "ok    fine"
    assert str(checks.bad("broken", "mend it")) == "bad   broken – mend it"
