"""The office's own phrases: for each area, set by supervisors, the most used first (T7)."""

import pytest
from sqlalchemy import select

from db.engine import Database
from db.rules.terms import Area, Channel
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.staff import AccessLog
from db.usecases import phrases, results
from db.usecases.phrases import DEBT_PHRASES, OTHER_PHRASES, PhrasesError
from db.usecases.results import Entry
from tests.integration.db.people import NOW, OFFICE, SmallOffice


def offered(database: Database, area: Area = Area.TAX) -> list[str]:
    with database.read() as tx:
        return phrases.note_phrases(tx, area)


def put(database: Database, who: Viewer, typed: str) -> list[str]:
    with database.write() as tx:
        return list(phrases.change(tx, who, Area.TAX, typed, NOW))


@pytest.mark.req("T7")
def test_supervisors_set_the_phrases_of_their_area(database: Database, small: SmallOffice) -> None:
    boss, officer = small.user("boss", "supervisor"), small.user("officer", "officer")
    assert offered(database) == list(DEBT_PHRASES)
    assert offered(database, Area.HEALTH) == list(OTHER_PHRASES)
    with pytest.raises(NotAllowedError):
        put(database, officer, "勝手な文。")
    assert put(database, boss, " 一つ目。\r\n\n二つ目。\n一つ目。 ") == ["一つ目。", "二つ目。"]
    assert offered(database) == ["一つ目。", "二つ目。"]
    assert offered(database, Area.PUBLIC) == list(DEBT_PHRASES)
    put(database, boss, "一つ目。\n二つ目。")
    with database.read() as tx:
        logged = tx.execute(select(AccessLog.detail).where(AccessLog.action == "phrases.change")).scalars().all()
    assert logged == ["税 追加2件・削除14件"], "what changes nothing is no change"


@pytest.mark.req("T7")
@pytest.mark.parametrize(
    ("typed", "word"), [(" \n", "入力して"), ("\n".join(map(str, range(61))), "60件まで"), ("あ" * 101, "100文字")]
)
def test_a_list_that_helps_nobody_is_refused(database: Database, small: SmallOffice, typed: str, word: str) -> None:
    with pytest.raises(PhrasesError, match=word) as refused:
        put(database, small.user("boss", "supervisor"), typed)
    assert set(refused.value.fields) == {"phrases"}


@pytest.mark.req("T7")
def test_the_most_used_come_first_in_their_area(database: Database, small: SmallOffice) -> None:
    boss = small.user("boss", "supervisor", (Area.TAX, Area.PUBLIC))
    put(database, boss, "一つ目。\n二つ目。\n三つ目。")
    debtor = small.debtor()

    def note(text: str) -> None:
        with database.write() as tx:
            made = results.note_contact(
                tx, boss, debtor, Area.TAX, Channel.COUNTER, Entry("counter_talk", note=text), NOW, OFFICE
            )
            results.correct(tx, boss, made, Entry("counter_talk", note=text + "一つ目。"), NOW, OFFICE)

    note("三つ目。二つ目。")
    note("前置き。三つ目。")
    assert offered(database) == ["三つ目。", "二つ目。", "一つ目。"], "a correction is no new use"
    assert offered(database, Area.PUBLIC) == list(DEBT_PHRASES)
