"""Users and the access log, as the administrator and the auditor see them (C1, C2, C3)."""

import re

import pytest
from sqlalchemy import select, text, update

from db.rules.terms import Area, Right
from db.schema.staff import AccessLog, Staff
from db.store import access_log, staff
from tests.integration.db.people import ADMIN, NOW
from tests.integration.webpanel.conftest import Browser, Panel

NEW = {"login": "tanaka", "name": "田中 一", "level": "officer", "areas": "tax"}


async def administrator(panel: Panel) -> Browser:
    panel.user("boss", "system_admin")
    return await panel.browser("boss")


def actions(panel: Panel) -> list[str]:
    with panel.database.read() as tx:
        return list(tx.execute(select(AccessLog.action).order_by(AccessLog.seq)).scalars())


@pytest.mark.req("C1", "C3")
async def test_a_user_is_added_with_a_password_shown_once_that_must_be_changed(panel: Panel) -> None:
    boss = await administrator(panel)
    status, answer, _ = await boss.post("/admin/users", NEW)
    assert status == 200, answer
    password = re.search(r"初期パスワード: ([^（]+)（", answer)
    assert password
    newcomer = await panel.browser()
    assert (await newcomer.log_in("tanaka", password[1]))[0] == 303
    assert (await newcomer.get("/"))[2]["Location"] == "/password"
    with panel.database.read() as tx:
        user_id = tx.execute(select(Staff.id).where(Staff.login == "tanaka")).scalar_one()
        viewer = staff.viewer(tx, user_id)
        assert viewer is not None
        assert viewer.may(Right.PROMISE_DECIDE, Area.TAX)
        assert not viewer.may(Right.DEBTOR_VIEW, Area.HEALTH)
        details = tx.execute(select(AccessLog.detail)).scalars().all()
    assert not any(password[1] in (line or "") for line in details)
    assert "user.add" in actions(panel)


@pytest.mark.req("C1")
async def test_what_is_wrong_is_said_for_each_field(panel: Panel) -> None:
    boss = await administrator(panel)
    status, answer, _ = await boss.post("/admin/users", {"login": "た なか", "name": "", "level": "king"})
    assert status == 422
    assert set(re.findall(r'"(login|name|level|areas)": "', answer)) == {"login", "name", "level", "areas"}
    await boss.post("/admin/users", NEW)
    status, answer, _ = await boss.post("/admin/users", NEW)
    assert status == 422
    assert "既に使われています" in answer


@pytest.mark.req("C1")
async def test_disabling_shuts_out_at_once_but_never_oneself(panel: Panel) -> None:
    boss, victim = await administrator(panel), panel.user("sato")
    theirs = await panel.browser("sato")
    with panel.database.read() as tx:
        me = tx.execute(select(Staff.id).where(Staff.login == "boss")).scalar_one()
    assert (await boss.post(f"/admin/users/{me}/disable"))[0] == 422
    assert (await boss.post(f"/admin/users/{victim.user_id}/disable"))[0] == 204
    assert (await theirs.get("/"))[0] == 303
    assert "停止" in (await boss.fragment("/admin/users/list"))[1]
    assert (await boss.post(f"/admin/users/{victim.user_id}/enable"))[0] == 204
    assert (await theirs.log_in("sato"))[0] == 303
    assert (await boss.post("/admin/users/99999/disable"))[0] == 404


@pytest.mark.req("C3")
async def test_a_reset_ends_sessions_unlocks_and_asks_for_a_change(panel: Panel) -> None:
    boss, victim = await administrator(panel), panel.user("sato")
    theirs = await panel.browser("sato")
    with panel.database.write() as tx:
        tx.execute(update(Staff).where(Staff.id == victim.user_id).values(locked_until=NOW.replace(hour=23)))
    status, answer, _ = await boss.post(f"/admin/users/{victim.user_id}/password")
    assert status == 200
    assert (await theirs.get("/"))[0] == 303
    password = re.search(r"パスワード: ([^（]+)（", answer)
    assert password
    assert (await theirs.log_in("sato", password[1]))[0] == 303
    assert (await theirs.get("/"))[2]["Location"] == "/password"


@pytest.mark.req("C1")
async def test_levels_are_granted_and_revoked(panel: Panel) -> None:
    boss, user = await administrator(panel), panel.user("sato")
    form = {"level": "officer", "area": "public"}
    assert (await boss.post(f"/admin/users/{user.user_id}/grants", form))[0] == 204
    assert (await boss.post(f"/admin/users/{user.user_id}/grants", form))[0] == 422
    assert (await boss.post(f"/admin/users/{user.user_id}/grants", {"level": "x", "area": "tax"}))[0] == 422
    with panel.database.read() as tx:
        held = next(row for row in staff.users(tx, ADMIN) if row.id == user.user_id).grants
    given = next(one for one in held if one.area is Area.PUBLIC)
    assert (await boss.post(f"/admin/users/{user.user_id}/grants/{given.id}/revoke"))[0] == 204
    with panel.database.read() as tx:
        viewer = staff.viewer(tx, user.user_id)
    assert viewer is not None
    assert not viewer.may_anywhere(Right.PROMISE_DECIDE)


@pytest.mark.req("C2")
async def test_the_log_is_searched_by_person_and_user_and_reading_it_is_logged(panel: Panel) -> None:
    panel.user("auditor", "auditor")
    one, other = panel.small.debtor(number="0000000123"), panel.small.debtor(number="0000000456")
    with panel.database.write() as tx:
        access_log.append(tx, ADMIN, NOW, "debtor.view", debtor_id=one, detail="<script>alert(1)</script>")
        access_log.append(tx, ADMIN, NOW, "debtor.view", debtor_id=other)
    browser = await panel.browser("auditor")
    _, page, _ = await browser.get("/admin/access-log?number=0000000123")
    assert "該当 1件" in page
    assert "0000000123" in page
    assert "0000000456" not in page
    assert "<script>alert" not in page
    _, page, _ = await browser.get("/admin/access-log?login=auditor")
    assert "対象者を表示" not in page
    assert "閲覧ログを表示" in page
    assert actions(panel)[-2:] == ["audit.view", "audit.view"]


@pytest.mark.req("C2")
async def test_long_logs_go_on_page_by_page(panel: Panel) -> None:
    panel.user("auditor", "auditor")
    with panel.database.write() as tx:
        for number in range(150):
            access_log.append(tx, ADMIN, NOW, "search", detail=f"word{number:03d}")
    browser = await panel.browser("auditor")
    _, page, _ = await browser.get("/admin/access-log?login=test")
    following = re.search(r'href="(/admin/access-log\?[^"]*before=\d+[^"]*)"', page)
    assert following
    _, rest, _ = await browser.get(following[1].replace("&amp;", "&"))
    seen = re.findall(r"word\d{3}", page) + re.findall(r"word\d{3}", rest)
    assert seen == [f"word{number:03d}" for number in reversed(range(150))]


@pytest.mark.req("C2")
async def test_a_change_in_the_log_shows(panel: Panel) -> None:
    panel.user("auditor", "auditor")
    browser = await panel.browser("auditor")
    assert "改ざんなし" in (await browser.fragment("/admin/access-log/chain"))[1]
    with panel.database.write() as tx:
        tx.execute(text("UPDATE access_log SET login = 'nobody' WHERE seq = 2"))
    answer = (await browser.fragment("/admin/access-log/chain"))[1]
    assert "不整合" in answer
    assert " 2 " in answer


@pytest.mark.req("C2")
async def test_every_page_about_people_or_users_leaves_its_row(panel: Panel) -> None:
    panel.user("sato")
    boss = await administrator(panel)
    operator = await panel.browser("sato")
    for browser, path, action in (
        (operator, "/", "today.view"),
        (boss, "/admin/users", "user.list"),
        (boss, "/admin/users/list", "user.list"),
        (boss, "/admin/access-log", "audit.view"),
    ):
        before = len(actions(panel))
        assert (await browser.get(path))[0] == 200
        assert actions(panel)[before:] == [action], path


@pytest.mark.req("C2")
async def test_what_cannot_be_logged_is_not_shown(panel: Panel) -> None:
    panel.user("sato")
    panel.small.debtor()
    browser = await panel.browser("sato")
    with panel.database.write() as tx:
        tx.execute(text("DELETE FROM access_head"))
    status, page, _ = await browser.get("/")
    assert status == 500
    assert "today-due" not in page
