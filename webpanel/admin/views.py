"""Handlers of the administration."""

import asyncio
import secrets
import string
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from db.reference.passwords import hash_password
from db.rules.passwords import password_problems
from db.rules.terms import Area
from db.store import access_log as log
from db.store import staff
from db.usecases import accounts, audit
from db.usecases.accounts import DEFAULT_POLICY
from webpanel import forms
from webpanel.admin.actions import ACTIONS
from webpanel.answers import done, told
from webpanel.errors import FormError
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

_ALPHABET = "".join(set(string.ascii_letters + string.digits) - set("0O1lI"))
_FILTERS = 64


async def users(request: web.Request) -> web.StreamResponse:
    """All users."""
    return await page(request, "admin/users.html", **await _users(request))


async def user_list(request: web.Request) -> web.StreamResponse:
    """The live part of the users' page."""
    return fragment(request, "admin/user_list.html", **await _users(request))


async def add_user(request: web.Request) -> web.StreamResponse:
    """Add a user with a level; the first password is made here and shown once."""
    form, viewer, now = await forms.fields(request), request_viewer(request), request.app[CLOCK].now()
    login, name = form.get("login", "").strip(), form.get("name", "").strip()
    wrong = _wrong_names(login, name)
    levels = dict(await request.app[DATABASE].ask(staff.levels))
    areas = [Area(area) for area in (await request.post()).getall("areas", []) if area in set(Area)]
    if form.get("level") not in levels:
        wrong["level"] = "権限レベルを選んでください。"
    if not areas:
        wrong["areas"] = "業務区分を1つ以上選んでください。"
    if wrong:
        raise FormError(wrong)
    password = first_password(login)
    hashed = await asyncio.to_thread(hash_password, password)

    def add(tx: Connection) -> None:
        user_id = accounts.add_user(
            tx, viewer, now, login=login, name=name, password_hash=hashed, contracted=form.get("contracted") == "1"
        )
        accounts.grant(tx, viewer, now, user_id=user_id, level=form["level"], areas=areas)

    await request.app[DATABASE].run(add)
    return told(f"「{login}」を登録しました。初期パスワード: {password}（この画面を離れると表示できません。）")


async def reset_password(request: web.Request) -> web.StreamResponse:
    """Give a user a new first password, shown once; their sessions end."""
    target = await _target(request)
    password = first_password(target.login)
    await request.app[DATABASE].run(
        accounts.change_password,
        request_viewer(request),
        request.app[CLOCK].now(),
        user_id=target.id,
        password_hash=await asyncio.to_thread(hash_password, password),
    )
    return told(f"「{target.login}」の新しい初期パスワード: {password}（この画面を離れると表示できません。）")


async def disable(request: web.Request) -> web.StreamResponse:
    """Shut a user out at once."""
    target = await _target(request)
    if target.id == request_viewer(request).user_id:
        raise FormError({}, "自分自身の利用は停止できません。")
    await request.app[DATABASE].run(
        accounts.disable_user, request_viewer(request), request.app[CLOCK].now(), target.login
    )
    return done(request)


async def enable(request: web.Request) -> web.StreamResponse:
    """Let a user in again."""
    target = await _target(request)
    await request.app[DATABASE].run(
        accounts.enable_user, request_viewer(request), request.app[CLOCK].now(), target.login
    )
    return done(request)


async def grant(request: web.Request) -> web.StreamResponse:
    """Give a level in one area."""
    form, target = await forms.fields(request), await _target(request)
    level, area = form.get("level", ""), forms.area(form)
    if level not in dict(await request.app[DATABASE].ask(staff.levels)):
        raise FormError({"level": "権限レベルを選んでください。"})
    if any(held.level == level and held.area is area for held in target.grants):
        raise FormError({}, "この権限は付与済みです。")
    await request.app[DATABASE].run(
        accounts.grant, request_viewer(request), request.app[CLOCK].now(), user_id=target.id, level=level, areas=[area]
    )
    return done(request)


async def revoke(request: web.Request) -> web.StreamResponse:
    """Take a level away."""
    target = await _target(request)
    await request.app[DATABASE].run(
        accounts.revoke_grant,
        request_viewer(request),
        request.app[CLOCK].now(),
        user_id=target.id,
        grant_id=forms.path_id(request, "grant"),
    )
    return done(request)


async def access_log(request: web.Request) -> web.StreamResponse:
    """The access log, of one person or one user if asked."""
    number = request.query.get("number", "").strip()[:_FILTERS]
    login = request.query.get("login", "").strip()[:_FILTERS]
    before = request.query.get("before", "")
    found = await request.app[DATABASE].run(
        audit.read_log,
        request_viewer(request),
        request.app[CLOCK].now(),
        number=number,
        login=login,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )
    return await page(request, "admin/access_log.html", log=found, number=number, login=login, actions=ACTIONS)


async def chain(request: web.Request) -> web.StreamResponse:
    """Whether the log is whole."""
    state = await request.app[DATABASE].ask(audit.check_chain, request_viewer(request))
    return fragment(request, "admin/chain.html", chain=state)


def first_password(login: str) -> str:
    """A password that the policy takes: four groups of four, without the letters that are misread."""
    while True:
        made = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        if not password_problems(made, login, DEFAULT_POLICY):
            return made


def _wrong_names(login: str, name: str) -> dict[str, str]:
    wrong = {}
    if not login or len(login) > 64 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in login):
        wrong["login"] = "半角英数字と . _ - で64文字以内にしてください。"
    if not name or len(name) > 64 or not name.isprintable():
        wrong["name"] = "氏名を64文字以内で入力してください。"
    return wrong


async def _users(request: web.Request) -> dict[str, Any]:
    viewer, database = request_viewer(request), request.app[DATABASE]
    await database.run(log.append, viewer, request.app[CLOCK].now(), "user.list")
    return {"users": await database.ask(staff.users, viewer), "levels": await database.ask(staff.levels)}


async def _target(request: web.Request) -> staff.StaffRow:
    user_id = forms.path_id(request)
    found = await request.app[DATABASE].ask(staff.users, request_viewer(request))
    for row in found:
        if row.id == user_id:
            return row
    raise accounts.UnknownUserError("該当する利用者がいません。")
