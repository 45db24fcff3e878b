"""`saikoku import KIND FILE --mapping FILE`: the same import as in the panel, done here and now, with a line of progress.

Exit status: 0 every line was taken, 1 taken but for the refused lines, 2 asked wrongly, 3 nothing was taken, 4 a fault.
"""

import argparse
import shutil
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from db.clock import Clock
from db.engine import Database
from db.processes import is_gone, this_process
from db.reference.calendar import DateTextError, parse_date
from db.rules.imports.mapping import MappingError, parse_mapping
from db.rules.terms import ImportKind, ImportState
from db.rules.viewer import system_viewer
from db.schema.base import new_id
from db.settings import Settings
from db.store import imports
from db.store.imports import ImportRow
from db.usecases import leases
from db.usecases.imports import request, steps
from db.usecases.imports.files import as_of_name, end_of_day, folder_of, make_folder, read_document, receive
from db.usecases.imports.request import ImportRefusedError, Wanted
from db.usecases.imports.steps import Turn
from saikoku.daemons import open_database
from saikoku.import_work import StoppedError
from saikoku.importing import Importer
from saikoku.register import must_be_newest
from saikoku.stopping import by_command_line

DONE, SOME_REFUSED, NOTHING = 0, 1, 3
ASK_AGAIN: Final = 1.0
_BY = system_viewer("import")


class ImportCommandError(Exception):
    """Nothing was done; the sentence says why."""

    code = "import"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `saikoku import`."""
    parser.add_argument("kind", choices=[kind.value for kind in ImportKind])
    parser.add_argument("file", type=Path, help="the core system's CSV file")
    parser.add_argument("--mapping", type=Path, required=True, help="the TOML file that says where each field stands")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, change nothing")
    parser.add_argument(
        "--as-of", help="the day that the data stand for (default: the day in the file's name, or its time)"
    )
    parser.add_argument("--again", action="store_true", help="take a file that was taken before once more")
    parser.add_argument("--confirm", action="store_true", help="yes: so much may end, so many lines may be refused")
    parser.add_argument("--rejected", type=Path, help="write the refused lines into this file, too")
    parser.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku import`."""
    with closing(open_database(settings)) as database:
        must_be_newest(database)
        holder = this_process()
        # the lease first, so that `saikoku jobs` does not take the import up before we do
        with _interrupts() as interrupted, lease(database, holder, clock, interrupted) as held:
            if not held:
                return NOTHING
            turn = Turn(_ask(database, arguments, settings, clock), holder)
            _work(database, turn, settings, clock, interrupted, confirm=arguments.confirm)
        with database.read() as tx:
            row = imports.one(tx, _BY, turn.run_id)
    if row is None:
        raise LookupError(turn.run_id)
    report = folder_of(settings.imports.dir, row.id).refused
    if arguments.rejected and report.exists():
        arguments.rejected.write_bytes(report.read_bytes())
    print(summary(row, report, settings.office.zone))
    return _status(row)


def _ask(database: Database, arguments: argparse.Namespace, settings: Settings, clock: Clock) -> uuid.UUID:
    run_id, file = new_id(), arguments.file
    try:
        document = read_document(arguments.mapping)
        mapping = parse_mapping(document)
    except MappingError as error:
        raise ImportCommandError("\n  ".join([f"{arguments.mapping}:", *error.problems])) from error
    if mapping.kind.value != arguments.kind:
        raise ImportCommandError(f"{arguments.mapping} is a mapping of {mapping.kind.value}, not of {arguments.kind}")
    folder = make_folder(settings.imports.dir, run_id)
    try:
        received = receive(file, folder.file)
    except OSError as error:
        shutil.rmtree(folder.path)
        raise ImportCommandError(f"{file} cannot be read ({error.strerror})") from error
    wanted = Wanted(
        run_id, document, file.name, received.size, received.sha256, received.encoding,
        _as_of(arguments, settings, clock), arguments.dry_run, arguments.again,
    )  # fmt: skip
    try:
        with database.write() as tx:
            request.ask(tx, by_command_line(), wanted, clock.now())
    except ImportRefusedError as error:
        raise ImportCommandError(str(error)) from error
    return run_id


def _as_of(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> datetime:
    now, zone = clock.now(), settings.office.zone
    if arguments.as_of:
        try:
            return min(now, end_of_day(parse_date(arguments.as_of), zone))
        except DateTextError as error:
            raise ImportCommandError(f"--as-of {arguments.as_of}: {error}") from error
    try:
        written = datetime.fromtimestamp(arguments.file.stat().st_mtime, UTC)
    except OSError:
        written = now
    return as_of_name(arguments.file.name, zone, now) or min(now, written)


def _work(
    database: Database, turn: Turn, settings: Settings, clock: Clock, interrupted: threading.Event, *, confirm: bool
) -> None:
    """Do it here. Ctrl+C takes it back while nothing of it counts."""
    importer = Importer(database, settings.imports.dir, clock, settings.office.zone, interrupted.is_set, _show_progress)
    try:
        row = importer.work(turn)
        if row.state is ImportState.HELD and confirm:
            with database.write() as tx:
                request.confirm(tx, by_command_line(), turn.run_id, clock.now())
            importer.work(turn)
    except StoppedError:
        _take_back(database, turn, clock)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _take_back(database: Database, turn: Turn, clock: Clock) -> None:
    with database.write() as tx:
        try:
            request.cancel(tx, by_command_line(), turn.run_id, clock.now())
        except ImportRefusedError:
            return  # it is being applied: `saikoku jobs` finishes it
        row = imports.one(tx, _BY, turn.run_id)
        if row is not None and row.state is ImportState.READING:
            steps.close(tx, turn, clock.now(), ImportState.CANCELLED)


@contextmanager
def lease(database: Database, holder: str, clock: Clock, stop: threading.Event) -> Iterator[bool]:
    """Be the one who works on imports; waits for whoever does now. False if told to stop meanwhile."""
    said = False
    while True:
        with database.write() as tx:
            other = leases.take(tx, steps.LEASE, holder, clock.now(), steps.LASTS, is_gone)
        if other is None:
            break
        if not said:
            print("another import is being worked on; this one comes after it", file=sys.stderr)
            said = True
        if stop.wait(ASK_AGAIN):
            yield False
            return
    try:
        yield True
    finally:
        with database.write() as tx:
            leases.release(tx, steps.LEASE, holder)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM as an event, so that they come between two steps."""
    event = threading.Event()

    def heard(_signal: int, _frame: FrameType | None) -> None:
        event.set()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_shown = [-1]


def _show_progress(thousandths: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{thousandths / 10:5.1f} %", end="", file=sys.stderr, flush=True)
    elif thousandths // 100 != _shown[0]:
        _shown[0] = thousandths // 100
        print(f"{thousandths // 10} %", file=sys.stderr, flush=True)


def summary(row: ImportRow, report: Path, zone: ZoneInfo) -> str:
    """What an import did, for whoever asked for it."""
    as_of = row.as_of.astimezone(zone)
    lines = [
        f"{row.kind.label}: {row.state.label}  {row.file_name}  {row.encoding or '?'}  {as_of:%Y-%m-%d %H:%M} 時点"
    ]
    if row.error:
        lines.append(f"  {row.error}")
    if row.lines:
        lines.append(f"  行 {row.lines:,}（対象外 {row.skipped:,}） 受付 {row.accepted:,} 拒否 {row.rejected:,}")
    if row.state in (ImportState.DONE, ImportState.CHECKED):
        lines.append(f"  追加 {row.added:,} 変更 {row.changed:,} 変更なし {row.unchanged:,} 終了 {row.ended:,}")
    lines += [f"  {note}" for note in row.notes]
    if row.rejected:
        lines.append(f"  拒否された行: {report}")
    if row.private:
        lines.append(f"  外字 {row.private:,}種類: {report.with_name('gaiji.csv')}")
    if row.state is ImportState.HELD:
        lines.append("  反映していません。確認のうえ --confirm を付けてもう一度実行するか、画面で反映してください。")
    return "\n".join(lines)


def _status(row: ImportRow) -> int:
    if row.state in (ImportState.DONE, ImportState.CHECKED):
        return SOME_REFUSED if row.rejected else DONE
    return DONE if row.state is ImportState.SAME else NOTHING
