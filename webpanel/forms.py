"""Reading input: path ids and form fields. What cannot be read is told beside its field, or is simply not found."""

import uuid
from collections.abc import Mapping

from aiohttp import web

from db.rules.terms import Area
from db.usecases.calls import CallError
from db.usecases.records import NotFoundError
from webpanel.errors import FormError

Fields = Mapping[str, str]


async def fields(request: web.Request) -> Fields:
    """The text fields of a form; of several with one name the last. Files are left out."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def path_id(request: web.Request, name: str = "id") -> int:
    """A whole number in the path; raises NotFoundError, as for a number that is nobody's."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise NotFoundError
    return int(text)


def path_uuid(request: web.Request, name: str = "id") -> uuid.UUID:
    """The id of a row in the path; raises NotFoundError, as for one that does not exist."""
    try:
        return uuid.UUID(request.match_info[name])
    except ValueError:
        raise NotFoundError from None


def path_call(request: web.Request) -> uuid.UUID:
    """A call's id in the path; raises CallError, as for a call that does not exist."""
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise CallError("no_such_call", "該当する通話がありません。") from None


def number(form: Fields, name: str, sentence: str = "選択してください。") -> int:
    """A whole number of a form, 0 or more; raises FormError."""
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise FormError({name: sentence})
    return int(text)


def area(form: Fields, name: str = "area") -> Area:
    """A business area of a form; raises FormError."""
    try:
        return Area(form.get(name, ""))
    except ValueError:
        raise FormError({name: "業務区分を選んでください。"}) from None
