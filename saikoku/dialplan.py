"""The dialplan files of a PBX: render them, install them beside the admin's own, and find what is wrong with them.

For the PBX admin, through `saikoku dialplan render|install|lint`, and for the lab, which uses exactly these files. The
texts are in `dialplans/`; a word in double braces there is filled in from DialplanSettings. Files of ours carry a first
line with version and checksum, by which an edit is noticed; files of theirs are written once and never again.
"""

import dataclasses
import difflib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from saikoku.dialplan_lint import Finding, lint_files

OURS = ("saikoku.conf", "saikoku-confbridge.conf", "saikoku-manager.conf", "saikoku-cel.conf")
THEIRS = ("saikoku-hooks.conf", "saikoku-secret.conf")

# file of Asterisk -> the files of ours that it, or a file it includes, must include
INCLUDED_BY: Mapping[str, tuple[str, ...]] = {
    "extensions.conf": ("saikoku.conf", "saikoku-hooks.conf"),
    "confbridge.conf": ("saikoku-confbridge.conf",),
    "manager.conf": ("saikoku-manager.conf", "saikoku-secret.conf"),
    "cel_custom.conf": ("saikoku-cel.conf",),
}

# what cel.conf must have: key -> words, any of which may be missing
CEL: Mapping[str, frozenset[str]] = {
    "enable": frozenset({"yes"}),
    "apps": frozenset({"confbridge", "userevent"}),
    "events": frozenset({"chan_start", "answer", "hangup", "app_start"}),
}

_HEADER = re.compile(r"^; saikoku (?P<version>\S+) (?P<name>\S+) sha256:(?P<checksum>[0-9a-f]{64})\n")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


class DialplanError(Exception):
    """A setting or a file stands in the way; `str()` is a sentence for the PBX admin."""

    code = "dialplan"


class EditedByHand(DialplanError):  # noqa: N818 - it names what the admin did, which is no error of ours
    """A file of ours was changed by hand, and installing would lose that; the message shows the change."""

    code = "dialplan-edited"


@dataclass(frozen=True, slots=True)
class DialplanSettings:
    """What differs from PBX to PBX. `{number}` in `trunk` is the number as dialled, after `line_prefix`."""

    recordings: str = "/var/spool/asterisk/monitor"
    trunk: str = "PJSIP/{number}@carrier"
    line_prefix: str = ""  # digits for an outside line, if the trunk wants any
    seats: str = "_X!"  # extension pattern of operators' phones
    patience: float = 2.0  # seconds an answered person without an operator waits
    incoming_ring: float = 8.0  # seconds a return call rings before it is answered by the message for those who wait
    incoming_remind: float = 30.0  # seconds of music between announcements
    incoming_patience: float = 300.0  # seconds a caller waits in all, before a call back is promised
    sounds: str = "/var/lib/asterisk/saikoku"  # folder of the prompts
    notice: str = "recorded"  # prompt that tells callers of the recording; empty: none
    music: str = "default"  # music class
    agi_url: str = "agi://127.0.0.1:4573"  # empty: no look-up of return calls
    ami_permit: str = "127.0.0.1/255.255.255.255"
    ami_secret: str = dataclasses.field(default="", repr=False)  # empty: install makes one

    def __post_init__(self) -> None:
        """Refuse what would break out of its line, and a trunk that does not say where the number goes."""
        for field in dataclasses.fields(self):
            value = str(getattr(self, field.name))
            if re.search(r"[\x00-\x1f;]", value):
                raise DialplanError(f"{field.name}: control characters and ';' are not allowed in a dialplan setting.")
        if "{number}" not in self.trunk:
            raise DialplanError(f"trunk: {self.trunk!r} has no {{number}}; for example PJSIP/{{number}}@carrier.")
        if not re.fullmatch(r"[0-9*#]*", self.line_prefix):
            raise DialplanError(f"line_prefix: {self.line_prefix!r} is not digits.")

    def words(self) -> dict[str, str]:
        """What is filled in for each word in double braces."""
        words = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.notice and not self.notice.startswith("/"):
            words["notice"] = f"{self.sounds}/{self.notice}"
        words["trunk"] = self.trunk.replace("{number}", f"{self.line_prefix}${{EXTEN}}")
        return {name: f"{value:g}" if isinstance(value, float) else value for name, value in words.items()}


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did: names of files, and the `#include` lines that are still missing."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]  # theirs, already there
    findings: tuple[Finding, ...]


def version() -> str:
    """The version of saikoku that renders."""
    return metadata.version("saikoku")


def templates_folder() -> Path:
    """`dialplans/` in a source tree, or where the wheel has put it."""
    here = Path(__file__).parent
    packed = here / "dialplans"
    return packed if packed.is_dir() else here.parent / "dialplans"


def render(settings: DialplanSettings) -> dict[str, str]:
    """Every file's name and text; ours with their header."""
    words = settings.words()
    texts: dict[str, str] = {}
    for name in (*OURS, *THEIRS):
        body = _fill((templates_folder() / name).read_text(encoding="utf-8"), words, name)
        texts[name] = _header(name, body) + body if name in OURS else body
    return texts


def _fill(text: str, words: Mapping[str, str], name: str) -> str:
    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise DialplanError(f"{name}: unknown word {match[0]}.")
        return words[match[1]]

    return _PLACEHOLDER.sub(word, text)


def _header(name: str, body: str) -> str:
    return f"; saikoku {version()} {name} sha256:{hashlib.sha256(body.encode()).hexdigest()}\n"


def edited(text: str) -> bool:
    """Whether a file of ours was changed after it was installed (or has lost its header)."""
    header = _HEADER.match(text)
    return header is None or hashlib.sha256(text[header.end() :].encode()).hexdigest() != header["checksum"]


def install(folder: Path, settings: DialplanSettings, *, force: bool = False) -> Installed:
    """Write ours, keep theirs. Raises EditedByHand, before anything is written, unless `force` is set.

    New files get the folder's owner and group, so that Asterisk can read them, and mode 0640. Each is replaced
    atomically: a reload in between sees the old or the new one.
    """
    if not folder.is_dir():
        raise DialplanError(f"{folder} is not a folder; give Asterisk's configuration folder, mostly /etc/asterisk.")
    if not settings.ami_secret:
        settings = dataclasses.replace(settings, ami_secret=secrets.token_urlsafe(24))
    texts = render(settings)
    there = {name: (folder / name).read_text(encoding="utf-8") for name in texts if (folder / name).exists()}
    if not force:
        _refuse_edited(there, texts)
    kept = tuple(name for name in THEIRS if name in there)
    unchanged = tuple(name for name in OURS if there.get(name) == texts[name])
    written = tuple(name for name in texts if name not in kept and name not in unchanged)
    for name in written:
        _replace(folder / name, texts[name])
    return Installed(written, unchanged, kept, tuple(lint(folder)))


def _refuse_edited(there: Mapping[str, str], texts: Mapping[str, str]) -> None:
    for name in OURS:
        if name in there and edited(there[name]):
            change = difflib.unified_diff(
                texts[name].splitlines(),
                there[name].splitlines(),
                f"{name} (ours)",
                f"{name} (on this PBX)",
                lineterm="",
            )
            raise EditedByHand(
                f"{name} was edited by hand. Move the change into saikoku-hooks.conf, or install with --force to lose it:\n"
                + "\n".join(change)
            )


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)  # the password is never readable by others, not even for a moment
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o640)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
    new.replace(path)


def lint(folder: Path) -> list[Finding]:
    """Everything wrong with saikoku's files in an Asterisk configuration folder, and how to mend it."""
    findings = [finding for name in OURS for finding in _state_of(folder / name)]
    findings += _record(folder)
    for asterisk_file, names in INCLUDED_BY.items():
        findings += _not_included(folder, asterisk_file, names)
    reached = _reached(folder, "extensions.conf")
    dialplan = [path for path in reached if path.name.startswith("extensions") or path.name in (*OURS, *THEIRS)]
    for name in INCLUDED_BY["extensions.conf"]:
        if (folder / name).exists() and folder / name not in dialplan:
            dialplan.append(folder / name)
    return findings + lint_files({path.name: path.read_text(encoding="utf-8", errors="replace") for path in dialplan})


def _state_of(path: Path) -> Iterable[Finding]:
    if not path.exists():
        yield Finding(path.name, 0, "absent", "this file is not installed", "run `saikoku dialplan install`")
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    header = _HEADER.match(text)
    if edited(text):
        mend = "move the change into saikoku-hooks.conf and run `saikoku dialplan install --force`"
        yield Finding(path.name, 1, "edited", "this file was edited by hand; an upgrade would lose that", mend)
    elif header is not None and header["version"] != version():
        problem = f"this file is of version {header['version']}, saikoku is {version()}"
        yield Finding(path.name, 1, "version", problem, "run `saikoku dialplan install`, then reload Asterisk")


def _record(folder: Path) -> Iterable[Finding]:
    """What cel.conf lacks for the record from which the bridge learns what it missed."""
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in _reached(folder, "cel.conf")).lower()
    for key, words in CEL.items():
        given = {
            word
            for value in re.findall(rf"(?m)^\s*{key}\s*=>?\s*([^;\n]*)", text)
            for word in re.split(r"[\s,]+", value)
        }
        lacking = set() if key == "events" and "all" in given else words - given
        if lacking:
            problem = f"`{key}` lacks {', '.join(sorted(lacking))}: what happens while the bridge is away stays unknown"
            mend = f"in [general]: {key} = {','.join(sorted(words))} (besides what is there), then `module reload cel`"
            yield Finding("cel.conf", 0, "cel", problem, mend)


def _reached(folder: Path, name: str, seen: frozenset[Path] = frozenset()) -> list[Path]:
    """A file and all that it includes, in order."""
    path = folder / name
    if path in seen or not path.is_file():
        return []
    found = [path]
    for _, included in _includes(path):
        for target in sorted(folder.glob(included)) if not Path(included).is_absolute() else [Path(included)]:
            found += _reached(folder, str(target), seen | frozenset(found))
    return found


def _includes(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = [
        (number, re.match(r"\s*#(?:try)?include\s+[\"<]?([^\s\">;]+)", line)) for number, line in enumerate(lines, 1)
    ]
    return [(number, match[1]) for number, match in matches if match]


def _not_included(folder: Path, asterisk_file: str, names: Iterable[str]) -> Iterable[Finding]:
    reached = _reached(folder, asterisk_file)
    for name in names:
        if folder / name not in reached:
            custom = f"{Path(asterisk_file).stem}_custom.conf"
            problem = f"{name} is not included, so Asterisk does not know it"
            mend = f"add the line `#include {name}` at the end of {asterisk_file} (FreePBX: {custom})"
            yield Finding(asterisk_file, 0, "not-included", problem, mend)
    for path in reached:
        for number, included in _includes(path):
            missing = (
                not any(folder.glob(included)) if not Path(included).is_absolute() else not Path(included).exists()
            )
            if missing and included.startswith("saikoku"):
                yield Finding(
                    path.name, number, "include-missing", f"{included} is not there", "run `saikoku dialplan install`"
                )
