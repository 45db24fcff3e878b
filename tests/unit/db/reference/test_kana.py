"""Two spellings an officer would call the same name have one search form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.kana import fold_kana, fold_name, private_use


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﾔﾏｻﾞｷ", "ヤマザキ"),
        ("やまざき", "ヤマザキ"),
        ("ヤマサ\u3099キ", "ヤマザキ"),
        ("ヤマサ゛キ", "ヤマザキ"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ\u3000タロウ"),
        ("キョウコ", "キヨウコ"),
        ("ﾊｯﾄﾘ", "ハツトリ"),
        ("ハ-ト", "ハート"),
        ("ハ−ト", "ハｰト"),
        ("ハ～ト", "ハート"),
        ("ジャン・ピエール", "ジヤンピエ-ル"),
        ("ヴィクトル", "ｳﾞｲｸﾄﾙ"),
        ("O'Brien", "ＯＢＲＩＥＮ"),
        ("O’Brien", "O'brien"),
        ("Anne-Marie", "ANNE MARIE"),
        ("José", "JOSE\u0301"),
        ("José", "jose"),
        ("みづほ", "ミズホ"),
        ("カヲル", "かおる"),
        ("ヶ", "ケ"),
        ("\u200bヤマダ\ufeff", "ヤマダ"),
    ],
)
def test_same_reading(one: str, other: str) -> None:
    assert fold_kana(one) == fold_kana(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ハバ", "ババ"), ("ハト", "ハート"), ("ヤマダ", "ヤマタ"), ("オノ", "オオノ")]
)
def test_different_readings_stay_different(one: str, other: str) -> None:
    assert fold_kana(one) != fold_kana(other)


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("渡邊 太郎", "渡辺太郎"),
        ("渡邉\U000e0101太郎", "渡辺太郎"),
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("斎藤", "齋藤"),
        ("𠮷田", "吉田"),
        ("葛\U000e0100城", "葛城"),
        ("株式会社 さいこく", "株式会社サイコク"),
        ("ＡＢＣ商会", "abc商会"),
    ],
)
def test_same_name(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_emoji_are_harmless() -> None:
    assert fold_name("太郎😀") == "太郎😀"
    assert fold_name("👨‍👩‍👧\ufe0f") == "👨👩👧"


@pytest.mark.req("T20")
def test_private_use_characters_are_listed_once_in_order() -> None:
    assert private_use("山\ue000田\uf8ff太\ue000郎\U000f0001") == ["\ue000", "\uf8ff", "\U000f0001"]
    assert private_use("山田太郎😀") == []


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)
    assert fold_kana(fold_kana(text)) == fold_kana(text)


@given(st.text(alphabet="ァィヴガパｶﾞｱﾞぱぢーｰ-～ '゛゜\u3099\u309aヾヽヷ\u30ff", max_size=8))
def test_folding_kana_twice_changes_nothing(text: str) -> None:
    assert fold_kana(fold_kana(text)) == fold_kana(text)
