"""`saikoku dialplan …`: the dialplan files for the PBX admin."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from db.clock import Clock
from db.settings import Settings
from saikoku import dialplan, prompts
from saikoku.dialplan import DialplanError, DialplanSettings
from saikoku.dialplan_lint import Finding

ASTERISK: Final = Path("/etc/asterisk")


def add_options(parser: argparse.ArgumentParser) -> None:
    """An option for each dialplan setting, with its default."""
    for field in dataclasses.fields(DialplanSettings):
        if field.name != "ami_secret":
            kind = type(field.default)
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)


def _wanted(arguments: argparse.Namespace, settings: Settings) -> DialplanSettings:
    names = [field.name for field in dataclasses.fields(DialplanSettings) if field.name != "ami_secret"]
    chosen = {name: getattr(arguments, name) for name in names}
    return DialplanSettings(**chosen, ami_secret=settings.ami.secret.reveal())


def run_render(arguments: argparse.Namespace, settings: Settings, _: Clock) -> int:
    """`saikoku dialplan render [--to FOLDER]`: show the files, or write them into a folder to look at."""
    texts = dialplan.render(_wanted(arguments, settings))
    for name, text in texts.items():
        if arguments.to is None:
            print(f"==> {name} <==\n{text}")
        else:
            arguments.to.mkdir(parents=True, exist_ok=True)
            (arguments.to / name).write_text(text, encoding="utf-8")
    return 0


def run_install(arguments: argparse.Namespace, settings: Settings, _: Clock) -> int:
    """`saikoku dialplan install [FOLDER]`: write ours, keep theirs, and say what is still missing."""
    wanted = _wanted(arguments, settings)
    done = dialplan.install(arguments.folder, wanted, force=arguments.force)
    for word, names in (("written", done.written), ("unchanged", done.unchanged), ("kept, yours", done.kept)):
        for name in names:
            print(f"{name}: {word}")
    try:
        print(f"prompts written to {wanted.sounds}: {len(prompts.install(Path(wanted.sounds)))}")
    except OSError as error:
        raise DialplanError(f"prompts cannot be written to {wanted.sounds} ({error.strerror}); see --sounds") from error
    return _say(done.findings)


def run_lint(arguments: argparse.Namespace, _: Settings, __: Clock) -> int:
    """`saikoku dialplan lint [FOLDER]`: exit status 1 if something is wrong."""
    return _say([*dialplan.lint(arguments.folder), *prompts.lint(arguments.folder)])


def _say(findings: Sequence[Finding]) -> int:
    for finding in findings:
        print(finding)
    return 1 if findings else 0
