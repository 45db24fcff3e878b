"""Reading what the builder and the forms of results send."""

import json
import uuid
from collections.abc import Mapping

from aiohttp import web

from db.rules.conditions import Condition, ConditionFormError, from_json
from db.store.extraction_pages import Key, Order
from db.usecases.saved_extractions import SavedError

LARGEST_TREE = 64_000
_DIGITS = 19


def tree_of(form: Mapping[str, str]) -> Condition:
    """The tree in a form's `tree`; raises ConditionFormError."""
    text = form.get("tree", "")
    if len(text) > LARGEST_TREE:
        raise ConditionFormError("大きすぎます")
    try:
        return from_json(json.loads(text))
    except (json.JSONDecodeError, RecursionError):
        raise ConditionFormError("条件") from None


def path_uuid(request: web.Request) -> uuid.UUID:
    """The id in the path; raises SavedError, as for one that is nobody's."""
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise SavedError("no_such_extraction", "", "該当する抽出条件または名簿がありません。") from None


def group_of(form: Mapping[str, str]) -> int | None:
    """The group to share with, None for nobody; one that is not the viewer's is refused later."""
    text = form.get("group", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def order_of(request: web.Request) -> Order:
    """The order asked for, the most owed first if none."""
    text = request.query.get("order", "")
    return Order(text) if text in set(Order) else Order.PRINCIPAL


def place_of(request: web.Request, name: str) -> Key | None:
    """Where a page begins: `value.id`, None for the first."""
    value, _, case_id = request.query.get(name, "").partition(".")
    if all(part.isascii() and part.isdigit() and len(part) < _DIGITS for part in (value, case_id)):
        return int(value), int(case_id)
    return None
