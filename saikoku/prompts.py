"""What callers hear: the prompts in `dialplans/sounds`, and their way into a folder of the PBX.

For the PBX admin, through `saikoku dialplan install`, and for the lab. A prompt that is there already is the office's own
recording and stays as it is. `dialplans/sounds/README.md` has the words of each.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from saikoku.dialplan import templates_folder
from saikoku.dialplan_lint import Finding

_SUFFIXES: Final = (".wav", ".gsm", ".ulaw", ".alaw", ".sln", ".g722")
_FOLDER: Final = re.compile(r"Playback\((/[^)]*)/noted\)")


def names() -> list[str]:
    """The prompts that the dialplan plays."""
    return sorted(path.stem for path in (templates_folder() / "sounds").glob("*.wav"))


def install(folder: Path) -> tuple[str, ...]:
    """Copy the prompts that are not there yet into a folder that Asterisk can read; returns which. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    absent = tuple(_absent(folder))
    for name in absent:
        new = folder / f".{name}.new"
        shutil.copyfile(templates_folder() / "sounds" / f"{name}.wav", new)
        new.chmod(0o644)
        new.replace(folder / f"{name}.wav")
    return absent


def lint(asterisk: Path) -> Iterable[Finding]:
    """Prompts that the dialplan in Asterisk's configuration folder names, and that are not where it looks for them."""
    ours = asterisk / "saikoku.conf"
    found = _FOLDER.search(ours.read_text(encoding="utf-8", errors="replace")) if ours.exists() else None
    absent = _absent(Path(found[1])) if found else []
    if found and absent:
        problem = f"prompts are missing in {found[1]}, callers hear nothing in their place: {', '.join(absent)}"
        yield Finding(ours.name, 0, "prompt-missing", problem, "run `saikoku dialplan install` on the PBX")


def _absent(folder: Path) -> list[str]:
    return [name for name in names() if not any((folder / f"{name}{suffix}").exists() for suffix in _SUFFIXES)]
