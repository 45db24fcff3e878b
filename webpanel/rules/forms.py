"""Reading the form of the rules: every field is read before anything is refused, so that all is told at once."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from multidict import MultiDictProxy

from db.rules.eligibility import ContactPolicy
from db.rules.terms import PhoneKind
from db.usecases.policies import MOST
from webpanel.errors import FormError


def read_policy(form: MultiDictProxy[Any]) -> ContactPolicy:
    """The rules as typed in; raises FormError."""
    wrong: dict[str, str] = {}
    hours = {name: _time(form, name, wrong) for name in ("opens", "closes")}
    numbers = {name: _number(form, name, most, wrong) for name, most in MOST.items()}
    if not wrong and hours["opens"] >= hours["closes"]:
        wrong["closes"] = "始める時刻より後にしてください。"
    if wrong:
        raise FormError(wrong)
    values: Mapping[str, Any] = {**hours, **numbers}
    return ContactPolicy(
        **values,
        closed_days=form.get("closed_days") == "1",
        protected_by_officer=form.get("protected_by_officer") == "1",
        callable_kinds=frozenset(kind for kind in PhoneKind if kind.value in form.getall("callable_kinds", [])),
    )


def _time(form: MultiDictProxy[Any], name: str, wrong: dict[str, str]) -> time:
    try:
        return time.fromisoformat(str(form.get(name, ""))).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        wrong[name] = "時刻を 09:00 の形で入力してください。"
        return time()


def _number(form: MultiDictProxy[Any], name: str, most: int, wrong: dict[str, str]) -> int:
    text = str(form.get(name, "")).strip()
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    wrong[name] = f"0～{most}の数字を入力してください。"
    return 0
