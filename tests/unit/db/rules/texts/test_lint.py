"""A message that somebody reads over a shoulder tells nothing of a debt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.texts.lint import DEBT_WORDS, LintPolicy, objections

NONE = LintPolicy()


def found(text: str, policy: LintPolicy = NONE, names: tuple[str, ...] = ()) -> list[str]:
    return [text[objection.start : objection.end] for objection in objections(text, policy, names)]


@pytest.mark.req("S7")
@pytest.mark.parametrize(
    "text",
    [
        "さいこく市役所です。ご連絡したいことがあります。平日9時〜17時に0422-11-2233へお電話ください。".replace(
            "さいこく", "桜"
        ),
        "桜市です。お預かりしている書類の件でお電話しました。{電話番号}へ折り返しお願いします。",
        "お客様へ。皆様のご様子はいかがですか。同様に様々な仕様があります。",
        "令和8年12月1日(火)10時から第1会議室で説明会があります。",
        "3.5km先、v1.2です。",
    ],
)
def test_a_neutral_text_may_be_sent(text: str) -> None:
    assert found(text) == []


@pytest.mark.req("S7")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("市税課です。滞納があります", ["税", "滞納"]),
        ("滞 納 の件", ["滞 納"]),
        ("滞\u200b納の件", ["滞\u200b納"]),
        ("ﾀｲﾉｳの件", ["ﾀｲﾉｳ"]),
        ("ｻｼｵｻｴとｾﾞｲｷﾝ", ["ｻｼｵｻｴ", "ｾﾞｲｷﾝ"]),
        ("差\n押します", ["差\n押"]),
        ("１２，３００円です", ["１２，３００円"]),
        ("￥5,000まで", ["￥5,000"]),
        ("五千円です", ["五千円"]),
        ("{残額}です", ["{残額}"]),
        ("山田太郎様、ご連絡です", ["様"]),
        ("{氏名}さん", ["{氏名}"]),
        ("https://city.example.jp/a を見て", ["https://city.example.jp/a"]),
        ("ｗｗｗ．example.com", ["ｗｗｗ．example.com"]),
        ("a@example.jpへ", ["a@example.jp"]),
    ],
)
def test_what_tells_is_found_where_it_stands(text: str, what: list[str]) -> None:
    assert found(text) == what


@pytest.mark.req("S7")
def test_the_persons_own_names_are_found_in_any_spelling() -> None:
    assert found("やまだ ﾀﾛｳさん、林を通ってください", names=("ヤマダ", "タロウ", "林")) == ["やまだ", "ﾀﾛｳ"]


@pytest.mark.req("S7")
def test_the_reason_is_told() -> None:
    (objection,) = objections("未納です", NONE)
    assert objection.reason == "「未納」は、滞納があることを本人以外に知らせるおそれがあるため使えません。"


@pytest.mark.req("S7")
def test_words_of_the_office_are_found_too() -> None:
    assert found("コンビニでどうぞ", LintPolicy(more_words=("こんびに",))) == ["コンビニ"]


@pytest.mark.req("S7")
@pytest.mark.parametrize(
    ("link", "allowed"),
    [
        ("https://city.sakura.lg.jp/a?b=1", True),
        ("www.city.sakura.lg.jp", True),
        ("HTTPS://CITY.SAKURA.LG.JP", True),
        ("https://evil-city.sakura.lg.jp.example.com", False),
        ("https://notcity.sakura.lg.jp", False),
        ("https://city.sakura.lg.jp@example.com/", False),
        ("mail@city.sakura.lg.jp", False),
        ("ftp://city.sakura.lg.jp", False),
        ("https://[::1", False),
    ],
)
def test_only_links_to_hosts_the_admin_allows(link: str, allowed: bool) -> None:
    assert found(link, LintPolicy(hosts=("city.sakura.lg.jp",))) == ([] if allowed else [link])


@pytest.mark.req("S7")
@given(word=st.sampled_from(DEBT_WORDS), before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_debt_word_is_found_in_any_surroundings(word: str, before: str, after: str) -> None:
    text = f"{before}。{word}。{after}"
    assert any(
        objection.start <= len(before) + 1 + len(word) and len(before) + 1 <= objection.end
        for objection in objections(text, NONE)
    )
