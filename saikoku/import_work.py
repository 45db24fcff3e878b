"""One import being worked on, from wherever it is to where it waits for somebody or is over. For `saikoku.importing` only."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import select

from db.clock import Clock
from db.engine import ASK_AGAIN, Database
from db.rules.imports.mapping import ImportMapping
from db.rules.imports.records import records
from db.rules.terms import Area, ImportKind, ImportState, Load
from db.rules.viewer import system_viewer
from db.schema.claims import TaxItem
from db.schema.people import Debtor
from db.store import imports
from db.store.bulk import learn
from db.store.imports import ImportRow
from db.store.many import among
from db.usecases.imports import steps
from db.usecases.imports.context import Context, Effect
from db.usecases.imports.files import Folder, read_as, shown_as, skip_mark, write_csv
from db.usecases.imports.reading import BATCH, Reading, readers
from db.usecases.imports.stage import Size, Stage
from db.usecases.imports.steps import Counts, Turn

HOLD: Final = 0.12
"""Seconds for which a step should hold SQLite's one writer."""
GAP: Final = 3 * ASK_AGAIN
"""Seconds between two steps in which others get the writer: whoever waits for it asks more often."""
TELL_EVERY: Final = 0.5
ENDING_AT_ONCE: Final = 500
FEWEST_SUMMARIES: Final = 1_000
MOST_SUMMARIES: Final = 5_000
OPEN_AT_ONCE: Final = 5_000
FEW: Final = 20
"""So few rows may end, or lines be refused, without anybody's word."""
FRESH_SHARE: Final = 0.05
"""Up to this share of refused lines the data are said to be as of the file's moment."""

BY: Final = system_viewer("import")

_BY_NUMBER: Final = select(Debtor.number, Debtor.id).where(among(Debtor.number, "numbers"))


class StoppedError(Exception):
    """The worker is to stop; the import goes on later."""


class BadFileError(Exception):
    """The file as a whole cannot be taken."""


class Work:
    """One import being worked on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stop: Callable[[], bool],
        progress: Callable[[int], None],
        context: Context,
        turn: Turn,
        row: ImportRow,
        folder: Folder,
    ) -> None:
        self._database, self._clock, self._stop, self._progress = database, clock, stop, progress
        self._context, self._turn, self._row, self._folder = context, turn, row, folder
        self._mapping: ImportMapping = context.mapping
        self._notes: dict[str, int] = {}
        self._told = 0.0
        self._unkeyed = 0
        self._open: int | None = None

    def run(self) -> None:
        """From wherever it is to where it waits for somebody, or is over."""
        resumed = self._row.state is ImportState.APPLYING
        kept = self._row.staged and self._folder.stage.exists()
        if resumed and not kept:
            raise BadFileError("反映の途中の一時ファイルがありません。同じファイルをもう一度取り込んでください。")
        with closing(Stage(self._folder.stage, self._mapping.fields, new=not kept)) as stage:
            if not kept:
                self._read(stage)
            if not resumed and not self._decide(stage):
                return
            touched = self._apply(stage, self._row.place if resumed else "")
            if self._row.accepted > steps.TOLD_ONE_BY_ONE:
                self._learn()
            self._sum_up(touched | self._everybody(stage) if resumed else touched)
            self._finish()

    # -- reading and checking: nothing of it counts yet

    def _read(self, stage: Stage) -> None:
        self._write(steps.begin)
        fixed = self._mapping.layout.encoding
        encoding = fixed or self._probed()
        counts = self._load(stage, encoding)
        counts = counts.with_rejected(stage.settle())
        self._tell(550, counts)
        counts = counts.with_rejected(self._find_people(stage))
        if self._mapping.load is Load.FULL:
            self._find_endings(stage)
        counts = replace(counts, private=stage.count_private())
        self._report(stage)
        stage.seal()
        self._write(steps.staged, counts, shown_as(fixed) if fixed else self._row.encoding)
        self._row = self._reload()

    def _probed(self) -> str:
        found = read_as(self._row.encoding)
        if found is None:
            raise BadFileError(
                "文字コードがUTF-8でもCP932（Shift_JIS）でもありません（UTF-16やExcelファイルは読めません）。"
            )
        return found

    def _load(self, stage: Stage, encoding: str) -> Counts:
        with self._folder.file.open("rb") as file:
            skip_mark(file)
            reading = Reading(stage, self._mapping, readers(self._items()))
            found = records(file, encoding, self._mapping.layout.delimiter)
            while batch := list(islice(found, BATCH)):
                reading.take(batch)
                self._tell(int(500 * file.tell() / max(1, self._row.size)), reading.counts)
        if reading.unkeyed:
            self._note("行を特定できない拒否行があるため、ファイルに無いものの終了は行いません", reading.unkeyed)
        self._unkeyed = reading.unkeyed
        return reading.counts

    def _items(self) -> dict[str, Area]:
        with self._database.read() as tx:
            return {row.code: row.area for row in tx.execute(select(TaxItem.code, TaxItem.area))}

    def _find_people(self, stage: Stage) -> int:
        """People of the file are looked up before anything is decided; lines of strangers are refused."""
        if self._mapping.kind is ImportKind.PEOPLE:
            return 0
        for owners in stage.owners():
            with self._database.read() as tx:
                found = tx.execute(_BY_NUMBER, {"numbers": owners}).all()
            stage.know((row.number, row.id) for row in found)
            self._tell(560)
        return stage.refuse_strangers()

    def _find_endings(self, stage: Stage) -> None:
        """What the register has open and the file does not list. Only lines that say what they are about can tell."""
        if self._unkeyed:
            return
        open_rows, _ = steps.ENDING[self._mapping.kind]
        after, total = 0, 0
        while True:
            with self._database.read() as tx:
                found = open_rows(tx, self._context, after, OPEN_AT_ONCE)
            if not found:
                break
            stage.index_keys()
            missing = stage.missing([key for _, key in found])
            stage.end(one for one, key in found if key in missing)
            after, total = found[-1][0], total + len(found)
            self._tell(580)
        self._open = total

    def _report(self, stage: Stage) -> None:
        write_csv(self._folder.refused, ("行", "列", "値", "理由"), stage.refusals())
        rows = ((f"U+{ord(row[0]):04X}", *row) for row in stage.private_characters())
        write_csv(self._folder.private, ("コード", "文字", "件数", "最初の行", "列", "値"), rows)

    # -- the decision

    def _decide(self, stage: Stage) -> bool:
        """Whether it is to be applied now."""
        row = self._row
        if not row.accepted:
            raise BadFileError("取り込める行が1行もありません。拒否された行の一覧を確認してください。")
        if row.dry_run:
            self._try(stage)
            return False
        doubts = [] if row.confirmed else self._doubts(stage)
        if doubts:
            self._write(steps.hold, doubts)
            return False
        self._write(steps.decide)
        return True

    def _doubts(self, stage: Stage) -> list[str]:
        """What a person has to look at before so much is changed."""
        row, doubts = self._row, []
        read = row.accepted + row.rejected
        if row.rejected > max(FEW, self._mapping.largest_rejection * read):
            doubts.append(f"{read:,}行のうち{row.rejected:,}行が拒否されました（{row.rejected / read:.0%}）。")
        ending = stage.count_endings()
        open_now = self._open_rows()
        if ending > max(FEW, self._mapping.largest_closing * open_now):
            doubts.append(
                f"このファイルに無い{ending:,}件が終了になります（登録されている{open_now:,}件の{ending / open_now:.0%}）。"
                "全件のファイルかどうか確認してください。"
            )
        return doubts

    def _open_rows(self) -> int:
        """How many rows a full file should list; counted again where an import is gone on with."""
        if self._open is not None or self._mapping.load is not Load.FULL:
            return self._open or 0
        open_rows, _ = steps.ENDING[self._mapping.kind]
        after, total = 0, 0
        while True:
            with self._database.read() as tx:
                found = open_rows(tx, self._context, after, OPEN_AT_ONCE)
            if not found:
                return total
            after, total = found[-1][0], total + len(found)

    def _try(self, stage: Stage) -> None:
        """A dry run does everything and takes it back, a step at a time."""
        sum_up = Effect()
        for rows in stage.chunks("", Size(HOLD)):
            self._check_stop()
            effect = self._take_back(rows)
            sum_up.added += effect.added
            sum_up.changed += effect.changed
            sum_up.unchanged += effect.unchanged
            for words, count in effect.notes.items():
                sum_up.note(words, count)
            self._tell(700)
        self._notes = dict(sum_up.notes)
        notes = [*self._doubts(stage), *self._said()]
        self._write(steps.checked, sum_up, stage.count_endings(), notes)

    def _take_back(self, rows: Any) -> Effect:
        with self._database.engine.connect() as plain:
            tx = plain.execution_options(saikoku_write=True)
            with tx.begin() as begun:
                effect = steps.APPLY[self._mapping.kind](tx, self._context, rows)
                begun.rollback()
            tx.info.clear()
        return effect

    # -- applying: all of it will count

    def _apply(self, stage: Stage, after: str) -> set[int]:
        """Apply the lines of people after `after`, and end what ends; returns whose summaries are still to be made."""
        size = Size(HOLD)
        lines, done = max(1, self._row.accepted), 0
        each = self._row.accepted <= steps.TOLD_ONE_BY_ONE
        touched: set[int] = set()
        ended = 0.0
        for rows in stage.chunks(after, size):
            self._check_stop()
            began = self._make_way(ended)
            effect = self._write(steps.take, self._context, rows, each=each)
            ended = time.perf_counter()
            size.took(ended - began)
            done += len(rows)
            touched |= set() if each else effect.touched
            for words, count in effect.notes.items():
                self._note(words, count)
            self._show(600 + int(350 * done / lines))
        for ids in stage.endings(ENDING_AT_ONCE):
            self._check_stop()
            touched |= self._write(steps.end, self._context, ids).touched
        return touched

    def _everybody(self, stage: Stage) -> set[int]:
        """All people of the file: who was touched before the import was interrupted is not known any more."""
        found: set[int] = set()
        for owners in stage.owners():
            with self._database.read() as tx:
                found.update(row.id for row in tx.execute(_BY_NUMBER, {"numbers": owners}))
        return found

    def _sum_up(self, touched: set[int]) -> None:
        people, at, ended = sorted(touched), 0, 0.0
        size = Size(HOLD, FEWEST_SUMMARIES, MOST_SUMMARIES)
        while some := people[at : at + size.rows]:
            self._check_stop()
            began = self._make_way(ended)
            self._write(steps.sum_up, self._context, some)
            ended = time.perf_counter()
            size.took(ended - began)
            at += len(some)
            self._show(950 + int(50 * at / len(people)))

    def _learn(self) -> None:
        with self._database.write() as tx:
            learn(tx)

    def _finish(self) -> None:
        fresh = self._row.rejected <= max(FEW, FRESH_SHARE * (self._row.accepted + self._row.rejected))
        if not fresh:
            self._note("拒否された行が多いため、データの時点は進めていません")
        self._write(steps.finish, self._context, self._said(), fresh=fresh)

    def _make_way(self, ended: float) -> float:
        """Leave the writer to others for a moment; returns when that was over."""
        now = time.perf_counter()
        if not self._database.is_sqlite:
            return now
        if (rest := ended + GAP - now) > 0:
            time.sleep(rest)
            now = time.perf_counter()
        return now

    # -- small things

    def _write(self, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._database.write() as tx:
            return step(tx, self._turn, self._clock.now(), *args, **kwargs)

    def _tell(self, progress: int, counts: Counts | None = None) -> None:
        self._check_stop()
        if self._due():
            self._write(steps.tell, progress, counts)
            self._progress(progress)

    def _show(self, progress: int) -> None:
        if self._due():
            self._write(steps.show, progress)
            self._progress(progress)

    def _due(self) -> bool:
        now = time.perf_counter()
        if now - self._told < TELL_EVERY:
            return False
        self._told = now
        return True

    def _check_stop(self) -> None:
        if self._stop():
            raise StoppedError

    def _note(self, words: str, count: int = 1) -> None:
        self._notes[words] = self._notes.get(words, 0) + count

    def _said(self) -> list[str]:
        return [f"{words}: {count:,}件" for words, count in self._notes.items()]

    def _reload(self) -> ImportRow:
        with self._database.read() as tx:
            row = imports.one(tx, BY, self._turn.run_id)
        if row is None:
            raise LookupError(self._turn.run_id)
        return row
