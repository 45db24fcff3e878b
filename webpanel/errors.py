"""What can go wrong, as the person at the screen is told: one table from errors to status, code and sentence.

A form that the page's script sent (`Saikoku-Fragment: 1`) is answered with JSON `{code, message, fields}`; the script
shows the sentence where the user acts and leaves the form as it is, so nothing typed is lost. A page is answered with
a page.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from db.engine import is_locked
from db.rules.conditions import ConditionFormError
from db.rules.viewer import NotAllowedError
from db.usecases.accounts import LoginTakenError, UnknownUserError
from db.usecases.calls import CallError, ContactRefusedError
from db.usecases.campaign_desk import CampaignError
from db.usecases.duty import DutyError
from db.usecases.entries import EntryError
from db.usecases.exports import NoSuchExportError
from db.usecases.extraction import SenselessError
from db.usecases.imports.request import ImportRefusedError, NoSuchImportError
from db.usecases.merges import MergeError
from db.usecases.phrases import PhrasesError
from db.usecases.policies import PolicyError
from db.usecases.recordings import RecordingError
from db.usecases.records import NotFoundError
from db.usecases.saved_extractions import SavedError
from db.usecases.sms import SmsError
from db.usecases.sms_batch_desk import BatchError
from db.usecases.sms_consent import ConsentError
from db.usecases.sms_templates import TemplateError

FRAGMENT_HEADER: Final = "Saikoku-Fragment"


class SignedOutError(Exception):
    """There is no live session."""

    code = "signed_out"

    def __init__(self) -> None:
        super().__init__("ログインしていないか、ログインの有効期限が切れました。入力した内容はこの画面に残っています。")


class CsrfError(Exception):
    """A POST without the session's token: not sent from one of our forms, or from one of an earlier session."""

    code = "csrf"

    def __init__(self) -> None:
        super().__init__("画面の有効期限が切れています。画面を開き直してから、もう一度操作してください。")


class PasswordDueError(Exception):
    """The password has to be changed before anything else."""

    code = "password_due"

    def __init__(self) -> None:
        super().__init__("パスワードの変更が必要です。先に変更してください。")


class FormError(Exception):
    """Input that cannot be taken: a sentence for each field. Raised by a feature's forms."""

    code = "form"

    def __init__(self, fields: Mapping[str, str], message: str = "入力内容を確認してください。") -> None:
        super().__init__(message)
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Problem:
    """What is answered. `fields`: a sentence for each input it belongs beside; `more`: what the script may need."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


LOCKED: Final = Problem(
    503,
    "locked",
    "登録簿が混み合っています。入力した内容はそのままです。少し待ってから、もう一度操作してください。",
)
UNREACHABLE: Final = Problem(
    503,
    "database",
    "登録簿に接続できません。少し待ってから、もう一度操作してください。続くときはシステム管理者に連絡してください。",
)
BROKEN: Final = Problem(
    500,
    "internal",
    "システムの不具合により処理できませんでした。続くときはシステム管理者に連絡してください。",
)
_HTTP: Final[Mapping[int, str]] = {
    400: "要求の形式が正しくありません。",
    404: "お探しの画面はありません。",
    405: "この操作はできません。",
    413: "送信された内容が大きすぎます。",
}


def problem_of(error: Exception) -> Problem | None:
    """The answer to an error that was foreseen; None for one that was not."""
    match error:
        case ContactRefusedError():
            return Problem(409, error.code, str(error), more={"deliberate": error.deliberate_may})
        case (
            CallError(code="no_such_call" | "not_on_record")
            | SavedError(code="no_such_extraction" | "no_such_list")
            | CampaignError(code="no_such_campaign")
            | SmsError(code="no_such_message")
            | TemplateError(code="no_such_template")
            | BatchError(code="no_such_batch")
        ):
            return Problem(404, error.code, str(error))
        case EntryError() | SavedError():
            return Problem(422, error.code, str(error), {error.field: str(error)} if error.field else {})
        case RecordingError(code="reason") | MergeError(code="reason"):
            return Problem(422, error.code, str(error), {"reason": str(error)})
        case _ if isinstance(error, _BY_FIELD):
            return Problem(422, error.code, str(error), error.fields)
        case web.HTTPException() if error.status >= 400:
            return Problem(error.status, f"http_{error.status}", _HTTP.get(error.status, error.reason))
        case DBAPIError():
            return _database_problem(error)
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return Problem(status, error.code, str(error))
    return None


_BY_FIELD: Final = (
    FormError,
    PolicyError,
    PhrasesError,
    CampaignError,
    ConsentError,
    TemplateError,
    SmsError,
    BatchError,
)
"""Errors that say what is wrong with each entry."""
_STATUS: Final[Mapping[Any, int]] = {
    SignedOutError: 401,
    CsrfError: 403,
    PasswordDueError: 403,
    NotAllowedError: 403,
    NotFoundError: 404,
    UnknownUserError: 404,
    LoginTakenError: 422,
    ConditionFormError: 422,
    SenselessError: 422,
    CallError: 409,
    MergeError: 409,
    RecordingError: 409,
    DutyError: 409,
    NoSuchImportError: 404,
    NoSuchExportError: 404,
    ImportRefusedError: 409,
}


def wants_json(request: web.Request) -> bool:
    """Whether the page's own script asks."""
    return FRAGMENT_HEADER in request.headers


def as_json(problem: Problem) -> web.Response:
    """The answer for the script."""
    body = {"code": problem.code, "message": problem.message, "fields": dict(problem.fields), **problem.more}
    return json_answer(body, problem.status)


def json_answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    """JSON with its Japanese left readable."""
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


def _database_problem(error: DBAPIError) -> Problem | None:
    if is_locked(error):
        return LOCKED
    return UNREACHABLE if error.connection_invalidated else None
