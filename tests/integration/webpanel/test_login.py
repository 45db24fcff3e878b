"""Logging in: who gets in, who does not, and that the answer says nothing of why."""

import pytest

from tests.integration.webpanel.conftest import Panel


@pytest.mark.req("C1")
async def test_a_user_logs_in_and_sees_the_home_screen(panel: Panel) -> None:
    panel.user("sato")
    browser = await panel.browser("sato")
    status, text, _ = await browser.get("/")
    assert status == 200
    assert "satoさん" in text
    assert "令和8年11月24日" in text
