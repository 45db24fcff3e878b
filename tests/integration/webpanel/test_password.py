"""Changing the password (C3)."""

import pytest
from sqlalchemy import select, update

from db.schema.staff import Staff
from tests.integration.webpanel.conftest import PASSWORD, Browser, Panel

NEXT = "Another-Horse-8"


async def change(browser: Browser, old: str, new: str, again: str | None = None) -> tuple[int, str]:
    form = {"old": old, "new": new, "again": new if again is None else again}
    status, text, _ = await browser.post("/password", form, script=False)
    return status, text


@pytest.mark.req("C3")
async def test_a_due_change_comes_first_and_then_the_panel_opens(panel: Panel) -> None:
    user = panel.user("sato")
    with panel.database.write() as tx:
        tx.execute(update(Staff).where(Staff.id == user.user_id).values(must_change_password=True))
    browser = await panel.browser("sato")
    status, text, _ = await browser.get("/password")
    assert status == 200
    assert "新しいパスワードを設定してください" in text
    assert (await change(browser, PASSWORD, NEXT))[0] == 303
    assert (await browser.get("/"))[0] == 200
    assert (await (await panel.browser()).log_in("sato", PASSWORD))[0] == 422
    assert (await (await panel.browser()).log_in("sato", NEXT))[0] == 303


@pytest.mark.req("C3")
async def test_what_is_wrong_with_a_password_is_said_beside_it(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    for form, sentence in {
        ("wrong", NEXT, NEXT): "現在のパスワードが違います",
        (PASSWORD, NEXT, "other"): "確認用のパスワードが一致しません",
        (PASSWORD, "Short-1", "Short-1"): "12文字以上",
        (PASSWORD, "onlylowercaseletters", "onlylowercaseletters"): "3種類以上",
        (PASSWORD, "Sato-is-my-name-1", "Sato-is-my-name-1"): "ログイン名を含めない",
        (PASSWORD, PASSWORD, PASSWORD): "過去5回以内",
    }.items():
        status, text = await change(browser, *form)
        assert status == 422, form
        assert sentence in text, form
    with panel.database.read() as tx:
        assert tx.execute(select(Staff.must_change_password)).scalar_one() is False


@pytest.mark.req("C3")
async def test_an_earlier_password_does_not_return(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    assert (await change(browser, PASSWORD, NEXT))[0] == 303
    status, text = await change(browser, NEXT, PASSWORD)
    assert status == 422
    assert "過去5回以内" in text


@pytest.mark.req("C3")
async def test_a_change_ends_the_users_other_sessions(panel: Panel) -> None:
    panel.user("sato")
    here, elsewhere = await panel.browser("sato"), await panel.browser("sato")
    assert (await change(here, PASSWORD, NEXT))[0] == 303
    assert (await here.get("/"))[0] == 200
    assert (await elsewhere.get("/"))[2]["Location"] == "/login"
