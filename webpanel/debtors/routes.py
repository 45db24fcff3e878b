"""Routes of the record."""

from typing import Final

from db.rules.terms import Right
from webpanel.debtors import decisions, entries, views
from webpanel.routing import Route, action, fragment, page

_DEBTOR: Final = "/debtors/{id}"
_CORRECT: Final = "/contacts/{id}/correct"

ROUTES: Final[tuple[Route, ...]] = (
    page(_DEBTOR, views.show_record, Right.DEBTOR_VIEW),
    fragment(f"{_DEBTOR}/pulse", views.show_pulse, Right.DEBTOR_VIEW),
    action(f"{_DEBTOR}/promise", views.preview_promise, Right.PROMISE_OFFER),
    action("/promises/{id}/approve", decisions.approve_promise, Right.PROMISE_DECIDE),
    action("/promises/{id}/cancel", decisions.cancel_promise, Right.PROMISE_DECIDE),
    action(f"{_DEBTOR}/contacts", entries.note_contact, Right.RESULT_RECORD),
    action("/calls/{id}/identity", entries.confirm_identity, Right.CALL),
    action("/calls/{id}/result", entries.record_result, Right.RESULT_RECORD),
    page(_CORRECT, entries.show_correction, Right.RESULT_RECORD),
    action(_CORRECT, entries.correct_contact, Right.RESULT_RECORD),
)
