"""Merge fields of a message (S2, S7): `{市名}` and the like, which an office fills in for all its messages alike.

There is no field for anything of the person written to, so a template cannot say who they are or what they owe; whatever else
stands in braces is objected to, and what has no value is never sent as braces.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from db.rules.texts.lint import LintPolicy, Objection, objections

CITY: Final = "市名"
SECTION: Final = "課名"
PHONE: Final = "電話"
CLERK: Final = "担当者"
FIELDS: Final = (CITY, SECTION, PHONE, CLERK)

_FIELD: Final = re.compile(r"[{｛]([^{}｛｝]*)[}｝]")
_BRACE: Final = re.compile(r"[{}｛｝]")


def merge(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in; a field without a value stays as it is, for `wanting` to find."""
    return _FIELD.sub(lambda found: values.get(found[1].strip()) or found[0], text)


def wanting(text: str, policy: LintPolicy, names: Iterable[str] = ()) -> list[Objection]:
    """Everything that keeps a finished text from being sent: what it must not say, and fields left in it."""
    said = objections(text, policy, names)
    return _with(said, [_left(found) for found in _FIELD.finditer(text)], text)


def template_objections(text: str, policy: LintPolicy) -> list[Objection]:
    """Everything that is wrong with a template, whose fields are still to be filled in."""
    unknown = [_unknown(found) for found in _FIELD.finditer(text) if found[1].strip() not in FIELDS]
    return _with(objections(text, policy), unknown, text)


def _with(said: list[Objection], of_fields: list[Objection], text: str) -> list[Objection]:
    """Both, a field once: that it tells an amount says more than that it is not known. And braces that are no field."""
    taken = {(one.start, one.end) for one in said}
    inside = {at for found in _FIELD.finditer(text) for at in range(*found.span())}
    lone = [_lone(found) for found in _BRACE.finditer(text) if found.start() not in inside]
    new = [one for one in of_fields if (one.start, one.end) not in taken]
    return sorted([*said, *new, *lone], key=lambda one: (one.start, one.end))


def _lone(found: re.Match[str]) -> Objection:
    return Objection(*found.span(), f"「{found[0]}」が対になっていません。差込項目は「{{{CITY}}}」の形で書きます。")


def _unknown(found: re.Match[str]) -> Objection:
    known = "・".join(f"{{{name}}}" for name in FIELDS)
    return Objection(*found.span(), f"差込項目「{found[0]}」は使えません。使えるのは {known} です。")


def _left(found: re.Match[str]) -> Objection:
    if found[1].strip() in FIELDS:
        return Objection(*found.span(), f"差込項目「{found[0]}」の内容が設定されていません。")
    return _unknown(found)
