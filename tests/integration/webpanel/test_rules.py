"""催告ルール: each business area's rules of contact, changed in the panel, with their history (C4)."""

import json
from collections.abc import Mapping

import pytest
from sqlalchemy import insert, select, update

from db.rules.terms import Area, Channel
from db.schema.ops import OfficeSetting
from db.schema.people import Phone
from db.schema.staff import AccessLog
from db.usecases.eligibility import Target, check_contact
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Panel

RULES: Mapping[str, str] = {
    "opens": "09:00", "closes": "20:00", "person_per_day": "2", "person_per_week": "5", "household_per_day": "3",
    "number_per_day": "2", "data_age_limit_hours": "96", "callable_kinds": "mobile", "reason": "課内会議による",
}  # fmt: skip


def reasons(panel: Panel, area: Area = Area.TAX) -> set[str]:
    """Why a person of that area may not be called now."""
    viewer = panel.small.user(f"u{panel.small.made}", "operator", areas=(Area.TAX, Area.PUBLIC))
    debtor = panel.small.debtor(area=area)
    with panel.database.read() as tx:
        phone = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor)).scalar_one()
        decision = check_contact(tx, viewer, Target(debtor, area, Channel.CALL_OUT, phone), NOW, OFFICE)
    return {reason.code for reason in decision.reasons}


@pytest.mark.req("C4", "C1")
async def test_a_change_counts_from_the_next_contact_in_that_area_only(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    assert reasons(panel) == set()
    browser = await panel.browser("boss")
    status, text, _ = await browser.post("/rules/tax", {**RULES, "opens": "13:00", "person_per_day": "1"})
    assert (status, json.loads(text)["message"]) == (
        200,
        "変更しました（連絡を始める時刻: 09:00→13:00、1人への連絡（1日）: 2→1、架電する番号の種類: 携帯・固定・IP電話・フリーダイヤル→携帯）。"
        "次の連絡から適用されます。",
    )
    assert reasons(panel) == {"before_hours"}
    assert reasons(panel, Area.PUBLIC) == set()


@pytest.mark.req("C4", "C2")
async def test_the_history_says_who_when_what_and_why(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    browser = await panel.browser("boss")
    _, text, _ = await browser.get("/rules")
    assert "まだ変更されていません" in text
    await browser.post("/rules/tax", {**RULES, "closes": "19:00"})
    await browser.post("/rules/tax", {**RULES, "closes": "18:30", "reason": "<b>苦情</b>"})
    _, text, _ = await browser.get("/rules?area=tax")
    assert text.index("連絡を終える時刻: 19:00→18:30") < text.index("連絡を終える時刻: 20:00→19:00")
    for words in ("bossさん", "課内会議による", "&lt;b&gt;苦情&lt;/b&gt;", 'value="18:30"'):
        assert words in text
    with panel.database.read() as tx:
        said = tx.execute(select(AccessLog.detail).where(AccessLog.action == "rules.change")).scalars().all()
    assert said[-1] == "税 連絡を終える時刻: 19:00→18:30 理由: <b>苦情</b>"


@pytest.mark.req("C4")
@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("opens", "07:59", "08:00以降にしてください"),
        ("closes", "21:01", "21:00までにしてください"),
        ("opens", "九時", "09:00 の形で"),
        ("closes", "09:00", "始める時刻より後"),
        ("person_per_day", "11", "0～10の数字"),
        ("person_per_week", "1", "1日の回数より少なく"),
        ("data_age_limit_hours", "-1", "数字を入力"),
        ("reason", " ", "理由を入力"),
        ("reason", "あ" * 201, "200文字以内"),
    ],
)
async def test_impossible_rules_are_refused_beside_the_field(
    panel: Panel, field: str, typed: str, sentence: str
) -> None:
    panel.user("boss", "supervisor")
    browser = await panel.browser("boss")
    status, text, _ = await browser.post("/rules/tax", {**RULES, field: typed})
    assert status == 422
    assert sentence in json.loads(text)["fields"][field]
    with panel.database.read() as tx:
        assert tx.execute(select(OfficeSetting)).all() == []


@pytest.mark.req("C1")
async def test_only_with_the_right_in_that_area(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    panel.user("officer", "officer")
    boss, officer = await panel.browser("boss"), await panel.browser("officer")
    assert (await boss.post("/rules/public", RULES))[0] == 403
    assert (await boss.post("/rules/none", RULES))[0] == 404
    assert (await officer.get("/rules"))[0] == 403
    assert [(await boss.fragment(f"/rules/{area}/history"))[0] for area in ("tax", "public", "none")] == [200, 403, 404]
    assert "公債権" not in (await boss.get("/rules?area=public"))[1]


@pytest.mark.req("C4")
async def test_no_change_is_said_and_kept_out_of_the_history(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    browser = await panel.browser("boss")
    await browser.post("/rules/tax", RULES)
    _, text, _ = await browser.post("/rules/tax", RULES)
    assert json.loads(text)["message"] == "変更はありません。"
    with panel.database.read() as tx:
        assert len(tx.execute(select(OfficeSetting)).all()) == 1


@pytest.mark.req("C4")
async def test_a_rule_that_cannot_be_read_stops_the_contact(panel: Panel) -> None:
    with panel.database.write() as tx:
        tx.execute(
            insert(OfficeSetting).values(
                key="contact_policy.tax", value={"policy": {"opens": "いつでも"}}, set_by=1, set_at=NOW
            )
        )
    with pytest.raises(ValueError, match="isoformat"):
        reasons(panel)
    with panel.database.write() as tx:
        tx.execute(update(OfficeSetting).values(key="contact_policy.public"))
    assert reasons(panel) == set()
