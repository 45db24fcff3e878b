"""Changing one's own password, by choice or because it is due."""

import asyncio
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from db.reference.passwords import hash_password, verify_password
from db.rules.passwords import password_problems
from db.store import staff
from db.usecases import accounts
from db.usecases.accounts import DEFAULT_POLICY
from webpanel import forms
from webpanel.keys import CLOCK, DATABASE
from webpanel.render import page
from webpanel.sessions import SESSION, request_viewer
from webpanel.shell.login import VERIFIERS, verify


async def show_password(request: web.Request) -> web.StreamResponse:
    """The form."""
    return await _form(request)


async def change_password(request: web.Request) -> web.StreamResponse:
    """Check and change; the user's other sessions end."""
    form, viewer, database = await forms.fields(request), request_viewer(request), request.app[DATABASE]
    old, new, again = (form.get(name, "") for name in ("old", "new", "again"))
    used = await database.ask(staff.old_passwords, viewer.user_id, DEFAULT_POLICY.history)
    problems: dict[str, Sequence[str]] = {}
    if not await verify(request.app, used[0], old[:256]):
        problems["old"] = ["現在のパスワードが違います。"]
    if new != again:
        problems["again"] = ["確認用のパスワードが一致しません。"]
    async with request.app[VERIFIERS]:
        wrong = await asyncio.to_thread(password_problems, new, viewer.login, DEFAULT_POLICY, partial(_was_used, used))
    if wrong:
        problems["new"] = wrong
    if problems:
        return await _form(request, problems, status=422)
    await database.run(
        accounts.change_password,
        viewer,
        request.app[CLOCK].now(),
        user_id=viewer.user_id,
        password_hash=await asyncio.to_thread(hash_password, new),
        keep=request[SESSION].token,
    )
    return web.Response(status=303, headers={"Location": "/"})


async def _form(
    request: web.Request, problems: dict[str, Sequence[str]] | None = None, status: int = 200
) -> web.StreamResponse:
    due = request[SESSION].state.must_change_password
    return await page(
        request, "shell/password.html", status=status, problems=problems or {}, due=due, policy=DEFAULT_POLICY
    )


def _was_used(hashes: Sequence[str], password: str) -> bool:
    return any(verify_password(one, password) for one in hashes)
