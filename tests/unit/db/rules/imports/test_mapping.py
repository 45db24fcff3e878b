"""Mappings: what an admin writes, and what they are told when it is wrong."""

import tomllib
from pathlib import Path

import pytest

from db.rules.imports.mapping import MappingError, parse_mapping
from db.rules.terms import Area, ImportKind, Load
from db.usecases.imports.files import mappings

pytestmark = pytest.mark.req("T20")

GOOD = """
kind = "assessments"
areas = ["tax"]
load = "full"
[columns]
person = { column = "宛名", pad = 10 }
item = { column = "税目", codes = { "01" = "property" } }
fiscal_year = "年度"
notice_number = { columns = ["年度", "番号"], join = "-" }
number = "期"
due_on = "納期限"
principal = "税額"
"""


def wrong(text: str) -> str:
    with pytest.raises(MappingError) as told:
        parse_mapping(tomllib.loads(text))
    return "\n".join(told.value.problems)


def test_a_mapping_is_read() -> None:
    made = parse_mapping(tomllib.loads(GOOD))
    assert (made.kind, made.load, made.areas) == (ImportKind.ASSESSMENTS, Load.FULL, frozenset({Area.TAX}))
    assert made.columns["notice_number"].columns == ("年度", "番号")
    assert made.layout.header
    assert made.largest_closing == 0.2


def test_everything_that_is_wrong_is_said_at_once_with_its_place() -> None:
    told = wrong("""
kind = "assessments"
arias = ["tax"]
areas = ["taxes"]
largest_closing = 3
[file]
encoding = "sjis"
delimiter = ";;"
skip_lines = "two"
[columns]
person = { colum = "宛名" }
town = "町"
item = { column = "税目", codes = "01" }
number = { column = "期", sum = true }
""")
    for place in (
        "arias", "areas", "largest_closing", "file.encoding", "file.delimiter", "file.skip_lines", "columns.person.colum",
        "columns.person:", "columns.town", "columns.item.codes", "columns.number", "columns.fiscal_year", "columns.principal",
    ):  # fmt: skip
        assert place in told, place


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('kind = "assessments"', 'kind = "debts"'), "people、assessments"),
        (('areas = ["tax"]', ""), "業務区分"),
        (('kind = "assessments"', 'kind = "assessments"\nfile = 3'), "[file]"),
        (('load = "full"', 'load = "all"'), "full、delta"),
    ],
)
def test_single_mistakes(change: tuple[str, str], told: str) -> None:
    assert told in wrong(GOOD.replace(*change))


def test_payments_are_never_a_whole() -> None:
    assert "マイナス" in wrong('kind = "payments"\nareas = ["tax"]\nload = "full"\n[columns]\n')


def test_codes_must_be_words_of_ours_and_columns_of_headless_files_numbers() -> None:
    text = '[columns]\nperson = "宛名"\nflag = { column = 2, codes = { "1" = "dead" } }\n[file]\nheader = false\n'
    told = wrong('kind = "flags"\n' + text)
    assert "columns.flag.codes.1" in told
    assert "deceased" in told
    assert "1からの番号" in told


def test_the_mappings_that_come_with_saikoku_are_good() -> None:
    found = mappings(Path("deploy/mappings"))
    assert len(found) >= 10
    assert [(one.name, one.problems) for one in found if one.problems] == []
