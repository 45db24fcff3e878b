"""Routes of booked calls."""

from typing import Final

from db.rules.terms import Right
from webpanel.recalls import views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/recalls", views.show, Right.DEBTOR_VIEW),
    fragment("/recalls/list", views.listed, Right.DEBTOR_VIEW),
    fragment("/live/recall-pop", views.pop, Right.CALL),
    action("/recalls/{id}/take", views.take, Right.RESULT_RECORD),
    action("/recalls/{id}/move", views.move, Right.RESULT_RECORD),
    action("/recalls/{id}/cancel", views.cancel, Right.RESULT_RECORD),
    action("/recalls/{id}/away", views.put_away, Right.CALL),
    action("/debtors/{id}/recalls", views.book, Right.RESULT_RECORD),
    action("/debtors/{id}/recall-check", views.check, Right.RESULT_RECORD),
)
