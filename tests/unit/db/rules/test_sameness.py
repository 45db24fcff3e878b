"""Who may be one person under two numbers (名寄せ): worth a look or not, and in words why."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.identity import address_key
from db.rules.sameness import OFFER_FROM, Particulars, compare
from db.rules.terms import PersonKind

BORN = date(1980, 5, 3)
ONE = Particulars(
    PersonKind.PERSON, "山田太郎", "やまだたろう", BORN, frozenset({"見本町 1 2 3"}), frozenset(), frozenset({"+81901"})
)


@pytest.mark.req("T10")
@pytest.mark.parametrize(
    ("other", "offered", "words"),
    [
        (ONE, True, "生年月日が一致"),
        (replace(ONE, homes=frozenset({"他町 9"}), phones=frozenset()), True, "住所が違います"),
        (replace(ONE, name="山田太朗"), True, "氏名の文字が違います"),
        (replace(ONE, birth_date=date(1980, 5, 4)), True, "生年月日が1か所だけ違います"),
        (replace(ONE, birth_date=date(1980, 3, 5)), True, "生年月日が1か所だけ違います"),
        (replace(ONE, homes=frozenset({"新町 5"}), former_homes=ONE.homes), True, "一方の前住所が他方の住所と一致"),
        (replace(ONE, birth_date=None), True, "生年月日の記録が一方にありません"),
        # a father and his son, one name and one home
        (replace(ONE, birth_date=date(2004, 8, 20)), False, "生年月日が違います"),
        # twins
        (replace(ONE, name="山田花子", kana="やまだはなこ"), False, "カナが違います"),
        # a namesake with a slip in the date, elsewhere
        (replace(ONE, birth_date=date(1980, 5, 4), homes=frozenset({"他町 9"})), False, "電話番号が同じ"),
        (replace(ONE, kind=PersonKind.COMPANY), False, "個人と法人の別が違います"),
    ],
)
def test_who_is_worth_a_look_and_why(other: Particulars, offered: bool, words: str) -> None:
    found = compare(ONE, other)
    assert found.offered is offered
    assert words in found.agrees + found.differs


def test_strength_in_a_word() -> None:
    far = replace(ONE, homes=frozenset({"他町 9"}))
    assert [compare(ONE, other).strength for other in (ONE, far, replace(far, name="山田太朗"))] == ["高", "中", "低"]


def test_addresses_are_compared_however_they_are_spelt() -> None:
    assert address_key("見本町一丁目2番3号") == address_key("見本町1-2-3") != address_key("見本町1-2-13")


names = st.sampled_from(["", "山田太郎", "山田太朗", "鈴木一"])
few = st.frozensets(st.sampled_from(["見本町 1", "見本町 2", "他町 3"]), max_size=2)
ANY = st.builds(
    Particulars,
    kind=st.sampled_from(PersonKind),
    name=names,
    kana=st.sampled_from(["", "やまだたろう", "すずきはじめ"]),
    birth_date=st.none() | st.dates(date(1980, 1, 1), date(1980, 3, 28)),
    homes=few,
    former_homes=few,
    phones=st.frozensets(st.sampled_from(["+81901", "+81902"]), max_size=2),
)


@pytest.mark.req("T10")
@given(ANY, ANY)
def test_the_order_of_the_two_makes_no_difference(one: Particulars, other: Particulars) -> None:
    assert compare(one, other) == compare(other, one)


@pytest.mark.req("T10")
@given(ANY, ANY)
def test_nobody_is_offered_for_a_telephone_or_a_name_alone(one: Particulars, other: Particulars) -> None:
    found = compare(one, other)
    apart = replace(other, homes=frozenset(), former_homes=frozenset(), birth_date=None)
    nameless = replace(other, name="別人", kana="べつじん")
    assert not compare(one, apart).offered
    assert not compare(one, nameless).offered
    if found.offered:
        assert found.score >= OFFER_FROM
        assert {"氏名が一致", "カナが一致"} & set(found.agrees)
        assert {"生年月日が一致", "住所が一致", "一方の前住所が他方の住所と一致"} & set(found.agrees)
        assert "生年月日が違います" not in found.differs


@pytest.mark.req("T10")
@given(ANY, ANY, st.sampled_from(["name", "kana", "birth_date", "homes", "phones"]))
def test_one_more_agreement_never_speaks_against_a_pair(one: Particulars, other: Particulars, what: str) -> None:
    agreed = getattr(one, what)
    if not agreed:
        return
    before, after = compare(one, other), compare(one, replace(other, **{what: agreed}))
    assert after.score >= before.score
    assert after.offered or not before.offered


@given(ANY, ANY)
def test_every_difference_is_told(one: Particulars, other: Particulars) -> None:
    told = " ".join(compare(one, other).differs)
    if one.name and other.name and one.name != other.name:
        assert "氏名" in told
    if one.birth_date != other.birth_date:
        assert "生年月日" in told
    if one.homes and other.homes and not (one.homes | one.former_homes) & (other.homes | other.former_homes):
        assert "住所" in told
