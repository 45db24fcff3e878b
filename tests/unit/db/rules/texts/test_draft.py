"""Templates and texts before they are sent: fields filled in, what is wrong told by place, and what the phone shows."""

import pytest

from db.rules.texts.draft import look, look_at_template
from db.rules.texts.fields import FIELDS, merge
from db.rules.texts.lint import LintPolicy
from db.rules.texts.parts import Allowance

VALUES = {"市名": "みなと野市", "課名": "窓口案内係", "電話": "0422-11-2233", "担当者": "佐藤"}
TEXT = "{市名}{課名}の{担当者}です。{電話}までお電話ください。"


@pytest.mark.req("S2")
def test_fields_are_filled_in_whatever_the_width_of_their_braces() -> None:
    assert merge("｛市名｝{ 課名 }です", VALUES) == "みなと野市窓口案内係です"
    assert merge("{電話}", {"電話": ""}) == "{電話}"
    seen = look_at_template(TEXT, VALUES, LintPolicy(), Allowance())
    assert seen.fine
    assert seen.composition
    assert seen.composition.pieces == ("みなと野市窓口案内係の佐藤です。0422-11-2233までお電話ください。",)


@pytest.mark.req("S7")
@pytest.mark.parametrize(
    ("body", "place", "reason"),
    [
        ("{氏名}さん", "{氏名}", "氏名になる"),
        ("{滞納額}円", "{滞納額}", "金額になる"),
        ("ご用件は{件名}です", "{件名}", "使えるのは"),
        ("{市名です", "{", "対になっていません"),
        ("税の件です", "税", "知らせるおそれ"),
    ],
)
def test_a_template_that_would_name_a_person_an_amount_or_a_debt_is_objected_to_by_place(
    body: str, place: str, reason: str
) -> None:
    seen = look_at_template(body, VALUES, LintPolicy(), Allowance())
    assert not seen.fine
    assert (place, True) in seen.marked
    assert any(reason in said for said in seen.reasons)
    assert "".join(piece for piece, _ in seen.marked) == body


@pytest.mark.req("S7")
def test_no_field_is_about_the_person_written_to() -> None:
    assert set(FIELDS) == set(VALUES)
    for field in FIELDS:
        assert look_at_template(f"{{{field}}}", VALUES, LintPolicy(), Allowance()).fine


@pytest.mark.req("S7")
def test_the_offices_own_words_are_looked_at_too_and_nothing_goes_out_in_braces() -> None:
    seen = look_at_template(TEXT, {**VALUES, "課名": "納税課"}, LintPolicy(), Allowance())
    assert ("税", True) in seen.marked
    seen = look_at_template(TEXT, {**VALUES, "電話": ""}, LintPolicy(), Allowance())
    assert seen.reasons == ["差込項目「{電話}」の内容が設定されていません。"]


@pytest.mark.req("S2")
def test_what_cannot_be_cut_says_why_beside_what_else_is_wrong() -> None:
    seen = look("山田さん" + "あ" * 700, LintPolicy(), Allowance(), ["山田"])
    assert [said[:6] for said in seen.reasons] == ["氏名（山田）", "704文字あ"]
    assert seen.marked[0] == ("山田", True)
