"""Reading the form of a campaign: what cannot be read is told beside its field; whether it makes sense, the register says."""

import uuid
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any, Final, TypeVar

from multidict import MultiDictProxy

from db.rules.campaigns import CampaignSettings, MachineRule, TargetOrder
from db.rules.retry import RETRIES
from db.rules.telephony import AttemptResult, DialMode
from db.rules.terms import Retry, Term
from webpanel.errors import FormError

Form = MultiDictProxy[Any]
T = TypeVar("T", bound=Term)
MODES: Final = (DialMode.MANUAL, DialMode.PREVIEW, DialMode.PROGRESSIVE, DialMode.PREDICTIVE)
RETRIED: Final = tuple(
    result for result in RETRIES if result not in {AttemptResult.ANSWERED, AttemptResult.CANCELLED}
)  # fmt: skip
"""The results for which a campaign sets what comes next."""
_NUMBERS: Final[Mapping[str, Callable[[str], float]]] = {
    "tries": int, "lines": int, "ring_seconds": int, "soon_minutes": int, "later_minutes": int,
    "calls_per_second": float, "target_abandonment": lambda text: float(text) / 100, "cap": lambda text: float(text) / 100,
}  # fmt: skip


def read_settings(form: Form) -> CampaignSettings:
    """The settings as typed; raises FormError."""
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {name: _number(form, name, kind, wrong) for name, kind in _NUMBERS.items()}
    values |= {name: _time(form, name, wrong) for name in ("opens", "closes")}
    values["mode"] = _term(form, "mode", DialMode, wrong)
    values["machines"] = _term(form, "machines", MachineRule, wrong)
    values["order"] = _term(form, "order", TargetOrder, wrong)
    retries = {result: _term(form, f"retry_{result.value}", Retry, wrong) for result in RETRIED}
    group = str(form.get("group_id", ""))
    if group and not group.isdecimal():
        wrong["group_id"] = "グループを選んでください。"
    if wrong:
        raise FormError(wrong)
    for name in ("name", "caller_id", "script", "abandoned_prompt", "voicemail_prompt"):
        values[name] = str(form.get(name, "")).replace("\r\n", "\n").strip()
    return CampaignSettings(
        **values,
        pbx=str(form.get("pbx", "main")),
        group_id=int(group) if group else None,
        days=frozenset(int(day) for day in form.getall("days", []) if day in {"0", "1", "2", "3", "4", "5", "6"}),
        retries={**RETRIES, **{result: retry for result, retry in retries.items() if retry is not None}},
    )


def read_lists(form: Form) -> dict[uuid.UUID, int]:
    """The lists that were chosen, with their weights; raises FormError."""
    found: dict[uuid.UUID, int] = {}
    for text in form.getall("lists", []):
        weight = str(form.get(f"weight_{text}", "1")).strip()
        try:
            found[uuid.UUID(str(text))] = int(weight)
        except ValueError:
            raise FormError({"lists": "名簿の比重を数字で入力してください。"}) from None
    return found


def _number(form: Form, name: str, kind: Callable[[str], float], wrong: dict[str, str]) -> float:
    text = str(form.get(name, "")).strip()
    try:
        if len(text) > 8 or not text.isascii():
            raise ValueError(text)
        return kind(text)
    except ValueError:
        wrong[name] = "数字を入力してください。"
        return 0


def _time(form: Form, name: str, wrong: dict[str, str]) -> time:
    try:
        return time.fromisoformat(str(form.get(name, ""))).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        wrong[name] = "時刻を 09:00 の形で入力してください。"
        return time()


def _term(form: Form, name: str, terms: type[T], wrong: dict[str, str]) -> T | None:
    try:
        return terms(str(form.get(name, "")))
    except ValueError:
        wrong[name] = "選択してください。"
        return None
