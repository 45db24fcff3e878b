"""Each mistake the linter knows, and that it keeps quiet about everything else."""

import re
from pathlib import Path

import pytest

from saikoku.dialplan_lint import HOOKS, lint_files

ALL_HOOKS = "".join(f"[saikoku-hook-{hook}]\nexten => s,1,Return()\n" for hook in HOOKS)


def found(text: str, hooks: str = ALL_HOOKS) -> list[tuple[int, str]]:
    """Line and code of what is found in one file."""
    return [(f.line, f.code) for f in lint_files({"a.conf": text, "saikoku-hooks.conf": hooks}) if f.file == "a.conf"]


@pytest.mark.req("P1")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[saikoku-a]\nexten => s,1,Answer()\n same => n,Hangup()", []),
        ("[saikoku-a]\nexten => s,1,Answer()\n same => n,Wait(1)", [(3, "no-hangup")]),
        ("[saikoku-a]\nexten => s,2,Hangup()", [(2, "no-priority-1")]),
        ("[saikoku-a]\nexten = s,1,Goto(saikoku-b,s,1)", [(2, "context-unknown")]),
        ("[saikoku-a]\nexten => s,1,GotoIf($[1]?saikoku-b,s,1)", [(2, "context-unknown")]),
        ("[saikoku-a]\ninclude => saikoku-b", [(2, "context-unknown")]),
        ("[saikoku-a]\nexten => s,1,Goto(saikoku-a,s,1)", []),
        ("[saikoku-a]\nexten => s,1,Goto(saikoku-hook-${X},s,1)", []),
        ("[saikoku-hook-anserwed]\nexten => s,1,Return()", [(1, "hook-unknown")]),
        ("[saikoku-hook-hold]\nexten => s,1,Answer()\n same => n,Playback(x)", [(3, "no-return")]),
        ("exten => s,1,Hangup()", [(1, "no-context")]),
        ("[saikoku-a]\n same => n,Hangup()", [(2, "same-without-exten")]),
        ("; [saikoku-a]\n; exten => s,2,Wait(1)", []),
        ("[saikoku-a]\nexten => h,1,NoOp()", []),
        ("[office]\nexten => s,2,Wait(1)", []),
    ],
)
def test_mistakes_and_their_lines(text: str, expected: list[tuple[int, str]]) -> None:
    hooks = ALL_HOOKS.replace("[saikoku-hook-hold]\nexten => s,1,Return()\n", "") if "hook-hold" in text else ALL_HOOKS
    assert found(text, hooks) == expected


@pytest.mark.req("P1")
def test_a_hook_that_is_not_there_is_told_with_what_to_write() -> None:
    (finding,) = lint_files({"saikoku-hooks.conf": ALL_HOOKS.replace("saikoku-hook-goodbye", "office")})

    assert (finding.code, finding.file) == ("hook-missing", "saikoku-hooks.conf")
    assert "[saikoku-hook-goodbye]" in finding.mend


@pytest.mark.req("P1")
def test_the_admins_manual_names_every_hook_context_and_code() -> None:
    root = Path(__file__).parents[3]
    manual = (root / "docs/pbx-admin.md").read_text(encoding="utf-8")
    contexts = re.findall(
        r"^\[(saikoku-[a-z-]+)\]", (root / "dialplans/saikoku.conf").read_text(encoding="utf-8"), re.MULTILINE
    )
    inner = {"saikoku-run-hook", "saikoku-end"}  # how hooks are called: nobody sends a call there
    sources = "".join(
        (root / "saikoku" / name).read_text(encoding="utf-8") for name in ("dialplan.py", "dialplan_lint.py")
    )
    codes = re.findall(r'(?:Finding|strays\.append)\([^"]*"([a-z0-9-]+)",', sources)

    assert len(contexts) > len(inner)
    assert len(codes) > 5
    for word in [*(f"saikoku-hook-{hook}" for hook in HOOKS), *(c for c in contexts if c not in inner), *codes]:
        assert word in manual, word
