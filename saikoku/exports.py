"""`saikoku export MAPPING --to FOLDER`: what happened since the last export, as a file for the core system; and any export again.

The file appears whole or not at all. An export that was killed is gone on with by the next call, under the same name.
"""

import argparse
import os
import uuid
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from db.clock import Clock
from db.engine import Database
from db.rules.imports.mapping import MappingError
from db.schema.exchange import ExportRun
from db.settings import Settings
from db.store import imports
from db.usecases import exports
from db.usecases.exports import NoSuchExportError
from db.usecases.imports.files import read_document
from saikoku.daemons import open_database
from saikoku.register import must_be_newest
from saikoku.stopping import by_command_line


class ExportCommandError(Exception):
    """Nothing was written; the sentence says why."""

    code = "export"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `saikoku export`."""
    parser.add_argument("--mapping", type=Path, help="the TOML file that says what goes out and how")
    parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where the file goes")
    parser.add_argument("--again", type=uuid.UUID, metavar="ID", help="write this export once more (see --list)")
    parser.add_argument("--list", action="store_true", help="the newest exports")
    parser.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """`saikoku export`."""
    with closing(open_database(settings)) as database:
        must_be_newest(database)
        try:
            if arguments.list:
                return _list(database)
            if arguments.again:
                return _again(database, arguments.again, arguments.to, settings, clock)
            if arguments.mapping is None:
                raise ExportCommandError("name a mapping (--mapping), or --again ID, or --list")
            return _export(database, arguments, settings, clock)
        except MappingError as error:
            raise ExportCommandError("\n  ".join([f"{arguments.mapping}:", *error.problems])) from error
        except NoSuchExportError as error:
            raise ExportCommandError(f"{arguments.again}: no such export") from error
        except OSError as error:
            raise ExportCommandError(f"{arguments.to} cannot be written ({error.strerror})") from error


def export(
    database: Database, document: dict[str, object], folder: Path, settings: Settings, clock: Clock
) -> list[tuple[Path, int]]:
    """Write what is new into `folder`: first the export that was begun and not finished, then one of what came since."""
    written = []
    while True:
        now = clock.now()
        with database.write() as tx:
            run_id = exports.begin(tx, by_command_line(), document, now, for_file=True, zone=settings.office.zone)
            begun_before = tx.execute(select(ExportRun.made_at).where(ExportRun.id == run_id)).scalar_one() < now
        claimed = 1
        while claimed:
            with database.write() as tx:
                claimed = exports.collect(tx, run_id)
        path = write(database, run_id, folder, settings, clock)
        with database.write() as tx:
            written.append((path, exports.finish(tx, run_id, clock.now())))
        if not begun_before:
            return written


def write(database: Database, run_id: uuid.UUID, folder: Path, settings: Settings, clock: Clock) -> Path:
    """Write the file of an export, whole or not at all; returns where."""
    with database.write() as tx:
        mapping = exports.fetch(tx, by_command_line(), run_id, clock.now())
        made_at = tx.execute(select(ExportRun.made_at).where(ExportRun.id == run_id)).scalar_one()
    local = made_at.astimezone(settings.office.zone)
    path = folder / f"{mapping.kind.value}-{local:%Y%m%d-%H%M%S}-{run_id.hex[-8:]}.csv"
    making = path.with_suffix(".making")
    with making.open("wb") as file:
        place, reached = -1, 0
        while reached != place:
            place = reached
            with database.read() as tx:
                data, reached = exports.piece(tx, mapping, run_id, place, settings.office.zone)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
    return path


def _export(database: Database, arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    document = dict(read_document(arguments.mapping))
    for path, count in export(database, document, arguments.to, settings, clock):
        print(f"{path}  {count:,}件")
    return 0


def _again(database: Database, run_id: uuid.UUID, folder: Path, settings: Settings, clock: Clock) -> int:
    print(write(database, run_id, folder, settings, clock))
    return 0


def _list(database: Database) -> int:
    with database.read() as tx:
        for row in imports.exports(tx, by_command_line()):
            state = "" if row.done_at else "  未完了"
            print(
                f"{row.id}  {row.made_at:%Y-%m-%d %H:%M} UTC  {row.kind.label} {row.mapping_name}  {row.rows:,}件{state}"
            )
    return 0
