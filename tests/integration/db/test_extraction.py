"""Extraction: whatever is asked, the database finds what a slow walk finds; and only what the viewer may see."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from db.engine import Database
from db.migrations import upgrade
from db.rules import bits
from db.rules import conditions as c
from db.rules.conditions import EVERYTHING, Condition, Group, Joining
from db.rules.terms import Area, CaseState, FlagKind, PersonKind, Right
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.claims import Assessment, Installment
from db.schema.people import CaseFile, Debtor, Flag
from db.schema.staff import AccessLog, Membership, StaffGroup
from db.schema.summaries import CaseSummary
from db.schema.work import Assignment
from db.store import access_log, extraction_pages, passes, summaries
from db.store.extraction_pages import Order
from db.usecases import case_states, extraction, foundation, saved_extractions, targets
from saikoku.city import seed_city
from tests.integration.db import facts
from tests.integration.db.facts import Facts
from tests.integration.db.matching import matches
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.unit.db.rules import trees

TODAY = date(2026, 11, 24)
ALL = tuple(Area)


@dataclass
class Town:
    """A town that is only read, what is true of every case in it, and an officer for everything."""

    database: Database
    officer: Viewer
    small: SmallOffice
    cases: dict[int, Facts] = field(repr=False)

    def expected(self, tree: Condition, areas: tuple[Area, ...] = ALL) -> list[int]:
        return sorted(i for i, one in self.cases.items() if one.area in areas and matches(tree, one, NOW))

    def found(self, tree: Condition, viewer: Viewer | None = None) -> tuple[list[int], int]:
        """The cases and their principal."""
        with self.database.read() as tx:
            found = extraction_pages.find(tx, viewer or self.officer, extraction.compiler(tx, NOW, OFFICE), tree)
        assert found.gathered is not None
        assert found.cases == len(found.gathered.case_ids)
        assert found.principal == sum(found.gathered.principal)
        return sorted(found.gathered.case_ids), found.principal


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """300 people with all that is in a city, assigned cases, and more items than a set of bits holds."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('town')}/register.db")
        yield _fill(database)
        database.close()
        return
    import psycopg

    server, name = request.getfixturevalue("postgres"), f"town{uuid.uuid4().hex}"
    with psycopg.connect(host=server, user="saikoku", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        database = Database(f"postgresql://saikoku@/{name}?host={server}")
        yield _fill(database)
        database.close()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def _fill(database: Database) -> Town:
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
    small = SmallOffice(database)
    officer = small.user("officer", "officer", ALL)
    small.user("second", "officer", ALL)
    with database.write() as tx:
        tx.execute(insert(StaffGroup), [{"id": 1, "name": "納税一係"}, {"id": 2, "name": "納税二係"}])
    seed_city(database, debtors=300, seed=5, today=TODAY, staff_ids=(1, 2), contacts_per_debtor=4)
    with database.write() as tx:
        for n, (debtor_id, area) in enumerate(
            tx.execute(select(Assessment.debtor_id, Assessment.area).distinct()).all()
        ):
            if n % 3:
                to = {"user_id": 1 + n % 2} if n % 5 else {"group_id": 1 + n % 2}
                values = {"user_id": None, "group_id": None, "assigned_by": 1, "assigned_at": NOW, **to}
                tx.execute(insert(Assignment).values(id=uuid.uuid4(), debtor_id=debtor_id, area=area, **values))
        taxed = select(CaseFile.debtor_id).where(CaseFile.area == Area.TAX).order_by(CaseFile.debtor_id).limit(180)
        years = tx.execute(taxed).scalars().all()
        for n, debtor_id in enumerate(years):  # fiscal years enough that numbers go beyond what the sets hold
            levy = insert(Assessment).values(
                debtor_id=debtor_id, area=Area.TAX, item_code=("property", "corporate", "light_vehicle")[n % 3],
                fiscal_year=1951 + n // 3, notice_number=f"OLD{n}",
            )  # fmt: skip
            made = tx.execute(levy.returning(Assessment.id)).scalar_one()
            tx.execute(
                insert(Installment).values(
                    assessment_id=made, debtor_id=debtor_id, area=Area.TAX, number=1 + n % 4, principal=1_000 + n,
                    due_on=date(1990, 1, 1) + timedelta(days=n * 70), outstanding=1_000 + n,
                )
            )  # fmt: skip
        everybody = tx.execute(select(Debtor.id)).scalars().all()
        summaries.refresh(tx, everybody, TODAY)
        case_states.sweep_all(tx, NOW, OFFICE)
        cases = dict(facts.read(tx, TODAY, OFFICE))
        for case_id, state in tx.execute(select(CaseSummary.case_id, CaseSummary.state)):
            cases[case_id].state = next(iter(bits.members(bits.CASE_STATES, state)), None)  # proved elsewhere
    return Town(database, officer, small, cases)


@pytest.mark.req("T8")
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees.TREES)
def test_any_tree_finds_what_a_slow_walk_finds(town: Town, tree: Condition) -> None:
    found, principal = town.found(tree)
    assert found == town.expected(tree)
    assert principal == sum(town.cases[case_id].principal for case_id in found)


@pytest.mark.req("T8")
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(leaf=trees.LEAVES)
def test_any_condition_and_its_opposite_part_the_town_in_two(town: Town, leaf: c.Leaf) -> None:
    here, _ = town.found(leaf)
    there, _ = town.found(Group(Joining.NONE, (leaf,)))
    assert here == town.expected(leaf)
    assert sorted(here + there) == sorted(town.cases)


@pytest.mark.req("T8")
@pytest.mark.parametrize(
    "leaf",
    [
        c.Amount(30_000, 90_000), c.DebtAge(12, 40), c.OpenCount(3), c.Levy(("property",), 2022, 2024),
        c.Levy(("property",), numbers=(2,)), c.Levy((), 1960, 2000), c.Levy(("corporate",), 1980, 2004, (2, 3)),
        c.District(("中央地区",)), c.HouseholdCases(2), c.HouseholdAmount(100_000), c.PromiseIs((c.PromiseStanding.BROKEN,)),
        c.StateIs((CaseState.NO_PROMISE, CaseState.PAID)),
        c.LastContact(30, 200), c.Phone(), c.Reachable(17, 21), c.Age(65), c.Language(("vi", "zh")),
        c.PersonIs((PersonKind.COMPANY,)), c.Letters(2), c.LetterKind(("最終催告書",)), c.LastLetter(returned=True),
        c.Flagged((FlagKind.SUSPENDED, FlagKind.LAWYER, FlagKind.PROTECTED)), c.InArea((Area.PUBLIC,)), c.Assigned(),
        c.Assigned((1,), (2,)),
    ],
    ids=lambda leaf: f"{leaf.kind}",
)  # fmt: skip
def test_each_condition_finds_some_and_not_all(town: Town, leaf: c.Leaf) -> None:
    found, _ = town.found(leaf)
    assert found == town.expected(leaf)
    assert 0 < len(found) < len(town.cases)


@pytest.mark.req("T8")
@pytest.mark.parametrize("way", ["gathered", "walked", "passed"])
@pytest.mark.parametrize("order", list(Order))
def test_pages_in_every_order_hold_each_case_once(
    town: Town, order: Order, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Group(Joining.ALL, (c.Amount(20_000), c.DebtAge(6), Group(Joining.NONE, (c.Language(("vi",)),))))
    monkeypatch.setattr(extraction_pages, "STRIDES", (40, 1_000) if way == "walked" else (3,))
    expected = town.expected(tree)
    value = {"principal": lambda i: town.cases[i].principal, "oldest": lambda i: town.cases[i].oldest}.get(
        order.value.split("_")[0] if order is not Order.LAST_CONTACT else "",
        lambda i: facts.epoch(town.cases[i].last.at) if town.cases[i].last else 0,
    )
    if order is Order.NUMBER:
        value = int
    falls = order in {Order.PRINCIPAL, Order.OLDEST_DOWN, Order.LAST_CONTACT_DOWN}
    expected.sort(key=lambda i: (value(i), i), reverse=falls)
    with town.database.read() as tx:
        counted = extraction.count(tx, town.officer, tree, NOW, OFFICE)
        gathered = counted.gathered if way == "gathered" else None

        def page(after: extraction_pages.Key | None, back: bool = False) -> extraction.Page:
            return extraction.page(
                tx, town.officer, tree, order, NOW, OFFICE, after=after, back=back, gathered=gathered, size=30
            )

        pages = [page(None)]
        while pages[-1].after:
            pages.append(page(pages[-1].after))
        assert [row.case_id for part in pages for row in part.rows] == expected
        assert counted.cases == len(expected) > 60
        assert pages[0].before is None
        back = page(pages[2].before, back=True)
        assert [row.case_id for row in back.rows] == [row.case_id for row in pages[1].rows]
        assert (back.before, back.after) == (pages[1].before, pages[1].after)
        first = page(back.before, back=True)
        assert [row.case_id for row in first.rows] == [row.case_id for row in pages[0].rows]
        assert first.before is None


@pytest.mark.req("T8")
@pytest.mark.parametrize("gathered", [10_000, 40, 3])
def test_a_pass_in_spans_finds_what_one_over_all_does(
    town: Town, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever number of readers share it, and whether all, some or none of its spans are gathered."""
    tree = Group(Joining.ALL, (c.Amount(5_000), c.District(("中央地区", "港地区"))))
    expected = town.expected(tree)
    assert len(expected) > 45
    monkeypatch.setattr(extraction_pages, "GATHERED", gathered)
    monkeypatch.setattr(extraction_pages, "STRIDES", (3,))
    monkeypatch.setattr(passes, "SMALLEST", 40)
    monkeypatch.setattr(passes, "HANDS", 3)
    with town.database.read() as tx:
        counted = extraction.count(tx, town.officer, tree, NOW, OFFICE)
        shown = extraction.page(tx, town.officer, tree, Order.PRINCIPAL, NOW, OFFICE, size=30).rows
    assert counted.cases == len(expected)
    assert counted.principal == sum(town.cases[i].principal for i in expected)
    assert (sorted(counted.gathered.case_ids) if counted.gathered else None) == (expected if gathered > 40 else None)
    assert [row.case_id for row in shown] == sorted(expected, key=lambda i: (town.cases[i].principal, i), reverse=True)[
        :30
    ]


@pytest.mark.req("T8")
def test_spans_hold_every_case_once_and_a_writer_sees_its_own(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "SMALLEST", 40)
    monkeypatch.setattr(passes, "HANDS", 3)

    def of_span(tx: Connection, span: passes.Span) -> tuple[Connection, list[int]]:
        return tx, list(tx.execute(select(CaseSummary.case_id).where(passes.within(tx)), span).scalars())

    with town.database.read() as tx:
        parts = passes.each(tx, of_span)
    assert sorted(case_id for _, found in parts for case_id in found) == sorted(town.cases)
    assert len(parts) > 3 or not town.database.is_sqlite
    with town.database.write() as tx:
        assert {own for own, _ in passes.each(tx, of_span)} == {tx}


@pytest.mark.req("T8")
def test_a_sample_that_misleads_costs_nothing_but_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_pages, "_seems_few", lambda *_: False)
    found, principal = town.found(EVERYTHING)
    assert found == sorted(town.cases)
    assert principal == sum(one.principal for one in town.cases.values())


@pytest.mark.req("T8")
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees.TREES, order=st.sampled_from((Order.PRINCIPAL, Order.OLDEST, Order.LAST_CONTACT_DOWN)))
def test_the_first_page_of_any_tree_is_walked_to(town: Town, tree: Condition, order: Order) -> None:
    with town.database.read() as tx:
        shown = extraction.page(tx, town.officer, tree, order, NOW, OFFICE, size=20).rows
    cases = [town.cases[case_id] for case_id in town.expected(tree)]
    if order is Order.PRINCIPAL:
        cases.sort(key=lambda one: (one.principal, one.case_id), reverse=True)
    elif order is Order.OLDEST:
        cases.sort(key=lambda one: (one.oldest.toordinal() if one.oldest else 0, one.case_id))
    else:
        cases.sort(key=lambda one: (facts.epoch(one.last.at) if one.last else 0, one.case_id), reverse=True)
    assert [row.case_id for row in shown] == [one.case_id for one in cases[:20]]


@pytest.mark.req("T8")
def test_a_row_says_what_is_true_of_the_case(town: Town) -> None:
    with town.database.read() as tx:
        rows = list(extraction.page(tx, town.officer, EVERYTHING, Order.NUMBER, NOW, OFFICE, size=1_000).rows)
    assert [row.case_id for row in rows] == sorted(town.cases)
    for row in rows:
        case = town.cases[row.case_id]
        assert (row.principal, row.oldest_due, row.open_count) == (case.principal, case.oldest, len(case.open))
        assert row.district == case.district
        assert set(row.phones) == case.phones
        assert set(row.flags) == case.flags
        assert row.promise == (c.PromiseStanding(case.promise.value) if case.promise else c.PromiseStanding.NONE)
        last = case.last
        assert (row.last_at, row.last_channel) == (last and last.at.replace(microsecond=0), last and last.channel)


# -- walls


@pytest.mark.req("T8", "C6")
def test_a_viewer_finds_only_cases_of_their_areas(town: Town) -> None:
    viewer = town.small.user("walled", "officer", (Area.PUBLIC,))
    found, principal = town.found(EVERYTHING, viewer)
    assert found == town.expected(EVERYTHING, (Area.PUBLIC,)) != []
    assert principal == sum(town.cases[i].principal for i in found)
    opposite = Group(Joining.NONE, (c.InArea((Area.PUBLIC,)),))
    assert town.found(opposite, viewer) == ([], 0)
    with town.database.read() as tx:
        words = extraction.words(tx, viewer)
    assert set(words.items) == {"care", "elderly", "childcare", "sewer", "welfare_return"}


@pytest.mark.req("T8", "C6")
def test_a_large_count_keeps_to_the_areas_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_pages, "GATHERED", 3)
    viewer = town.small.user(f"large-{uuid.uuid4().hex[:6]}", "officer", (Area.TAX,))
    with town.database.read() as tx:
        counted = extraction.count(tx, viewer, EVERYTHING, NOW, OFFICE)
        page = extraction.page(tx, viewer, EVERYTHING, Order.PRINCIPAL, NOW, OFFICE, size=1_000)
    expected = town.expected(EVERYTHING, (Area.TAX,))
    assert counted.gathered is None
    assert counted.cases == len(expected) < len(town.cases)
    assert counted.principal == sum(town.cases[i].principal for i in expected)
    assert sorted(row.case_id for row in page.rows) == expected


@pytest.mark.req("T8")
def test_item_year_and_number_are_asked_of_one_installment(database: Database, small: SmallOffice) -> None:
    """While all items of a year have their place in the sets; the town has more of them."""
    officer, one, two = small.user("officer", "officer"), small.debtor(), small.debtor()
    with database.write() as tx:
        for item, year, number in (
            ("light_vehicle", 2025, 2), ("property", 2017, 3), ("property", 2024, 20), ("property", 2023, 5),
        ):  # fmt: skip
            lot = insert(Assessment).values(
                debtor_id=two, area=Area.TAX, item_code=item, fiscal_year=year, notice_number=f"{item}{year}"
            )
            made = tx.execute(lot.returning(Assessment.id)).scalar_one()
            tx.execute(
                insert(Installment).values(
                    assessment_id=made, debtor_id=two, area=Area.TAX, number=number,
                    due_on=TODAY - timedelta(days=9), principal=1_000, outstanding=1_000,
                )
            )  # fmt: skip
        summaries.refresh(tx, [one, two], TODAY)
        for leaf, found in (
            (c.Levy(("resident_ordinary",), 2026, 2026, (1,)), 2),
            (c.Levy(("resident_ordinary",), numbers=(2,)), 0),
            (c.Levy(("light_vehicle",), 2025, None, (2,)), 1),
            (c.Levy((), None, 2025, (1,)), 0),
            (c.Levy((), 2025, 2025, (3,)), 0),  # 2017 has its place beside 2025, and number 3
            (c.Levy((), 2017, 2017, (3,)), 1),
            (c.Levy((), 2024, 2024, (20,)), 1),  # numbers above 14 share a place
            (c.Levy((), 2024, 2024, (21,)), 0),
            (c.Levy(("property",), 2023, 2024, (2,)), 0),
            (c.Levy((), 2023, 2023, (5,)), 1),
        ):
            assert extraction.count(tx, officer, leaf, NOW, OFFICE).cases == found, leaf


@pytest.mark.req("T8")
@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(1961, 11, 24), 65), (date(1961, 11, 25), 64), (date(1960, 11, 24), 66), (date(1960, 11, 25), 65),
        (date(2004, 2, 29), 22),
    ],
)  # fmt: skip
def test_an_age_changes_on_the_birthday(database: Database, small: SmallOffice, born: date, age: int) -> None:
    officer, debtor_id = small.user("officer", "officer"), small.debtor(born=born)
    with database.write() as tx:
        summaries.refresh(tx, [debtor_id], TODAY)
        for low, high, found in ((age, age, 1), (age + 1, None, 0), (None, age - 1, 0), (age, None, 1), (None, age, 1)):
            assert extraction.count(tx, officer, c.Age(low, high), NOW, OFFICE).cases == found, (low, high)


@pytest.mark.req("T8", "C1")
@pytest.mark.parametrize("level", ["operator", "contracted_operator", "system_admin", "pbx_admin"])
def test_who_has_not_the_right_cannot_search(town: Town, level: str) -> None:
    viewer = town.small.user(f"no-{level}-{uuid.uuid4().hex[:6]}", level, ALL)
    with town.database.read() as tx, pytest.raises(NotAllowedError):
        extraction.count(tx, viewer, EVERYTHING, NOW, OFFICE)


@pytest.mark.req("T8", "C1")
def test_contracted_staff_cannot_search_whatever_their_level(town: Town) -> None:
    viewer = town.small.user(f"contracted-{uuid.uuid4().hex[:6]}", "supervisor", ALL, contracted=True)
    assert not viewer.may_anywhere(Right.EXTRACT)
    with town.database.read() as tx, pytest.raises(NotAllowedError):
        extraction.count(tx, viewer, EVERYTHING, NOW, OFFICE)


@pytest.mark.req("T8", "C4")
def test_a_new_flag_hides_the_district_at_once(database: Database, small: SmallOffice) -> None:
    """Even if the summary was not refreshed: an address hangs on the flag itself."""
    officer, debtor_id = small.user("officer", "officer"), small.debtor()
    tree = c.District(("中央",))
    with database.write() as tx:
        summaries.refresh(tx, [debtor_id], TODAY)
        assert extraction.count(tx, officer, tree, NOW, OFFICE).cases == 1
        tx.execute(
            insert(Flag).values(debtor_id=debtor_id, kind=FlagKind.PROTECTED, valid_from=TODAY + timedelta(days=3))
        )
        assert extraction.count(tx, officer, tree, NOW, OFFICE).cases == 0
        (row,) = extraction.page(tx, officer, EVERYTHING, Order.NUMBER, NOW, OFFICE).rows
    assert row.district is None


# -- the log


@pytest.mark.req("T8", "C2")
def test_searches_and_everybody_shown_stand_in_the_log(database: Database, small: SmallOffice) -> None:
    officer = small.user("officer", "officer")
    people = [small.debtor(owes=10_000 * n) for n in (1, 2, 3)]
    tree = c.Amount(20_000)
    with database.write() as tx:
        summaries.refresh(tx, people, TODAY)
        counted = extraction.count(tx, officer, tree, NOW, OFFICE)
        extraction.log_count(tx, officer, counted, NOW)
        shown = extraction.page(tx, officer, tree, Order.PRINCIPAL, NOW, OFFICE, gathered=counted.gathered)
        extraction.log_page(tx, officer, counted.sentence, counted.cases, shown, NOW)
        log = tx.execute(
            select(AccessLog.action, AccessLog.debtor_id, AccessLog.detail)
            .where(AccessLog.user_id == officer.user_id)
            .order_by(AccessLog.seq)
        ).all()
        assert not list(access_log.verify(tx))
    said = "次の条件に当てはまる案件：滞納額（本税）が20,000円以上。 2件"
    assert [tuple(row) for row in log] == [
        ("extract.count", None, said),
        ("extract.view", None, said),
        ("extract.shown", people[2], "抽出の一覧に表示"),
        ("extract.shown", people[1], "抽出の一覧に表示"),
    ]


# -- saved conditions and lists


@dataclass
class Desk:
    """Two colleagues of one group and somebody of another, over three debtors."""

    database: Database
    small: SmallOffice
    mine: Viewer
    colleague: Viewer
    stranger: Viewer
    people: list[int]


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """See `Desk`."""
    from db.store import staff

    made = [small.user(login, "officer") for login in ("mine", "colleague", "stranger")]
    people = [small.debtor(owes=10_000 * n) for n in (1, 2, 3)]
    with database.write() as tx:
        tx.execute(insert(StaffGroup), [{"id": 7, "name": "納税一係"}, {"id": 8, "name": "納税二係"}])
        tx.execute(insert(Membership), [{"user_id": v.user_id, "group_id": 7 + n // 2} for n, v in enumerate(made)])
        summaries.refresh(tx, people, TODAY)
        viewers = [staff.viewer(tx, viewer.user_id) for viewer in made]
    mine, colleague, stranger = (viewer for viewer in viewers if viewer)
    return Desk(database, small, mine, colleague, stranger, people)


@pytest.mark.req("T8")
def test_conditions_are_saved_shared_renamed_and_deleted(desk: Desk) -> None:
    tree = Group(Joining.ALL, (c.Amount(20_000), c.Phone()))
    with desk.database.write() as tx:
        draft = saved_extractions.put_draft(tx, desk.mine, tree, NOW)
        assert saved_extractions.listed(tx, desk.mine) == []
        saved_extractions.save(tx, desk.mine, draft, " 2万円以上 ", None, NOW)
        (kept,) = saved_extractions.listed(tx, desk.mine)
        assert (kept.name, kept.tree, kept.mine) == ("2万円以上", tree, True)
        assert saved_extractions.listed(tx, desk.colleague) == []
        saved_extractions.change(tx, desk.mine, kept.id, "2万円以上・電話あり", 7, NOW)
        (theirs,) = saved_extractions.listed(tx, desk.colleague)
        assert (theirs.name, theirs.owner, theirs.group, theirs.mine) == (
            "2万円以上・電話あり",
            "mineさん",
            "納税一係",
            False,
        )
        assert saved_extractions.listed(tx, desk.stranger) == []
        for change in (
            lambda: saved_extractions.change(tx, desk.colleague, kept.id, "x", 7, NOW),
            lambda: saved_extractions.remove(tx, desk.colleague, kept.id, NOW),
        ):
            with pytest.raises(saved_extractions.SavedError, match="本人だけ"):
                change()
        with pytest.raises(saved_extractions.SavedError, match="該当する抽出条件がありません"):
            saved_extractions.one(tx, desk.stranger, kept.id)
        copy = saved_extractions.save(tx, desk.colleague, kept.id, "写し", None, NOW)
        assert copy != kept.id
        saved_extractions.remove(tx, desk.mine, kept.id, NOW)
        assert [row.name for row in saved_extractions.listed(tx, desk.colleague)] == ["写し"]


@pytest.mark.req("T8")
@pytest.mark.parametrize(
    ("name", "group", "field"),
    [("", None, "name"), ("あ" * 61, None, "name"), ("使用中", None, "name"), ("名前", 8, "group")],
)
def test_a_name_that_cannot_be_is_refused_beside_its_field(
    desk: Desk, name: str, group: int | None, field: str
) -> None:
    with desk.database.write() as tx:
        first = saved_extractions.put_draft(tx, desk.mine, EVERYTHING, NOW)
        saved_extractions.save(tx, desk.mine, first, "使用中", None, NOW)
        draft = saved_extractions.put_draft(tx, desk.mine, EVERYTHING, NOW)
        with pytest.raises(saved_extractions.SavedError) as refused:
            saved_extractions.save(tx, desk.mine, draft, name, group, NOW)
    assert refused.value.field == field


@pytest.mark.req("T8")
def test_old_drafts_go_and_saved_ones_stay(desk: Desk) -> None:
    with desk.database.write() as tx:
        old = saved_extractions.put_draft(tx, desk.mine, EVERYTHING, NOW - timedelta(days=8))
        kept = saved_extractions.put_draft(tx, desk.mine, EVERYTHING, NOW - timedelta(days=8))
        saved_extractions.save(tx, desk.mine, kept, "残す", None, NOW - timedelta(days=8))
        saved_extractions.put_draft(tx, desk.mine, EVERYTHING, NOW)
        with pytest.raises(saved_extractions.SavedError):
            saved_extractions.one(tx, desk.mine, old)
        assert saved_extractions.one(tx, desk.mine, kept).name == "残す"


@pytest.mark.req("T8", "T4")
def test_a_list_stays_as_it_was_fixed(desk: Desk) -> None:
    with desk.database.write() as tx:
        list_id = targets.freeze(tx, desk.mine, c.Amount(20_000), "11月 架電", 7, NOW, OFFICE)
        tx.execute(update(Installment).where(Installment.debtor_id == desk.people[2]).values(outstanding=0))
        summaries.refresh(tx, desk.people, TODAY)
        fixed = targets.one(tx, desk.colleague, list_id)
        from db.store import targets as store

        assert (fixed.cases, fixed.people, fixed.principal, fixed.mine) == (2, 2, 50_000, False)
        assert fixed.sentence == "次の条件に当てはまる案件：滞納額（本税）が20,000円以上。"
        assert store.members(tx, desk.mine, list_id) == [(desk.people[1], Area.TAX), (desk.people[2], Area.TAX)]
        assert targets.listed(tx, desk.stranger) == []
        with pytest.raises(saved_extractions.SavedError, match="本人だけ"):
            targets.remove(tx, desk.colleague, list_id, NOW)
        targets.remove(tx, desk.mine, list_id, NOW)
        assert targets.listed(tx, desk.mine) == []


@pytest.mark.req("T8", "C6")
def test_a_list_is_not_seen_from_behind_a_wall(desk: Desk) -> None:
    health = desk.small.user("health", "officer", (Area.HEALTH,))
    with desk.database.write() as tx:
        tx.execute(insert(Membership).values(user_id=health.user_id, group_id=7))
        from db.store import staff

        seen = staff.viewer(tx, health.user_id)
        assert seen is not None
        targets.freeze(tx, desk.mine, c.Amount(20_000), "11月 架電", 7, NOW, OFFICE)
        assert len(targets.listed(tx, desk.colleague)) == 1
        assert targets.listed(tx, seen) == []


@pytest.mark.req("T8")
def test_an_empty_or_senseless_list_is_not_made(desk: Desk) -> None:
    with desk.database.write() as tx:
        with pytest.raises(saved_extractions.SavedError, match="該当する案件がない"):
            targets.freeze(tx, desk.mine, c.Amount(10**9), "空", None, NOW, OFFICE)
        with pytest.raises(extraction.SenselessError, match="上限か下限"):
            targets.freeze(tx, desk.mine, c.Amount(), "無", None, NOW, OFFICE)
        with pytest.raises(saved_extractions.SavedError, match="名簿の名前"):
            targets.freeze(tx, desk.mine, c.Amount(1), " ", None, NOW, OFFICE)
