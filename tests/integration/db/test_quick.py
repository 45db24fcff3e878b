"""A reader on the event loop: it only reads, and whatever is wrong with the register it does not stay long."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Select, bindparam, func, literal, select, update

from db.engine import Database
from db.quick import Question, QuickReader, RegisterUnavailable, Row
from db.schema.people import Debtor
from tests.integration.db.people import SmallOffice

_NAMES = select(Debtor.name).where(Debtor.id == bindparam("id"))


def read(rows: Iterable[Row]) -> list[str]:
    return [row[0] for row in rows]


def name_of(debtor_id: int) -> Question[list[str]]:
    return Question(_NAMES, read, {"id": debtor_id})


@pytest.fixture
def small(sqlite_template: Path, tmp_path: Path) -> Iterator[SmallOffice]:
    shutil.copy(sqlite_template, tmp_path / "register.db")
    database = Database(f"sqlite:///{tmp_path}/register.db")
    yield SmallOffice(database)
    database.close()


@pytest.fixture
def reader(small: SmallOffice) -> Iterator[QuickReader]:
    made = QuickReader(small.database.file)
    yield made
    made.close()


@pytest.mark.req("T5")
def test_it_answers_and_sees_what_was_committed_since(small: SmallOffice, reader: QuickReader) -> None:
    debtor_id = small.debtor("前の名")
    assert reader.ask(name_of(debtor_id)) == ["前の名"]
    with small.database.write() as tx:
        tx.execute(update(Debtor).values(name="後の名"))
        assert reader.ask(name_of(debtor_id)) == ["前の名"], "a writer at work is not waited for"
    assert reader.ask(name_of(debtor_id)) == ["後の名"]


def test_it_cannot_write(small: SmallOffice, reader: QuickReader) -> None:
    reader.ask(name_of(1))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._open().execute("DELETE FROM debtor")


@pytest.mark.req("T5")
def test_a_register_that_is_locked_is_given_up_and_tried_again_later(small: SmallOffice, reader: QuickReader) -> None:
    debtor_id = small.debtor("山田")
    small.database.close()
    with closing(sqlite3.connect(small.database.file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("UPDATE debtor SET kana = kana")
        with pytest.raises(RegisterUnavailable, match="locked"):
            reader.ask(name_of(debtor_id))
    assert reader.ask(name_of(debtor_id)) == ["山田"]


@pytest.mark.req("T5")
def test_a_register_that_is_gone_is_noticed_and_one_that_was_restored_is_read(
    small: SmallOffice, reader: QuickReader
) -> None:
    debtor_id = small.debtor("古い名")
    assert reader.ask(name_of(debtor_id)) == ["古い名"]
    small.database.close()
    file, other = Path(small.database.file), Path(small.database.file).with_name("other.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(other)) as restored:
        source.backup(restored)
        restored.execute("UPDATE debtor SET name = '新しい名'")
        restored.commit()
    for beside in ("-wal", "-shm"):  # who puts another register in the place of one takes these away
        file.with_name(file.name + beside).unlink(missing_ok=True)
    other.rename(file)
    assert reader.ask(name_of(debtor_id)) == ["新しい名"]
    file.rename(other)
    with pytest.raises(RegisterUnavailable):
        reader.ask(name_of(debtor_id))
    other.rename(file)
    assert reader.ask(name_of(debtor_id)) == ["新しい名"]


def test_a_file_that_is_no_register_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    for file in ("x.db", "absent.db"):
        reader = QuickReader(str(tmp_path / file))
        with pytest.raises(RegisterUnavailable):
            reader.ask(name_of(1))
        assert reader._connection is None


def endless() -> Select[int]:
    """Some seconds of work for SQLite."""
    counting = select(literal(1).label("n")).cte(recursive=True)
    counting = counting.union_all(select(counting.c.n + 1).where(counting.c.n < 20_000_000))
    return select(func.count()).select_from(counting)


@pytest.mark.req("T5")
def test_a_statement_that_takes_too_long_is_interrupted(small: SmallOffice) -> None:
    reader = QuickReader(small.database.file, hold=0.02)
    with pytest.raises(RegisterUnavailable, match="interrupted"):
        reader.ask(Question(endless(), read))  # type: ignore[arg-type]
    reader.close()
