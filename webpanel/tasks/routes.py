"""Routes of tasks. Those that callers left have a page of their own (`webpanel.line.tasks`)."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import Route, action, fragment, page
from webpanel.tasks import views

ROUTES: Final[tuple[Route, ...]] = (
    page("/tasks", views.show, Right.DEBTOR_VIEW),
    page("/tasks/people", views.stuck, Right.ASSIGN),
    fragment("/tasks/list", views.listed, Right.DEBTOR_VIEW),
    action("/tasks/{id}/take", views.take, Right.RESULT_RECORD),
    action("/tasks/{id}/hand", views.hand_over, Right.RESULT_RECORD),
    action("/tasks/{id}/done", views.close, Right.RESULT_RECORD),
    action("/debtors/{id}/tasks", views.make, Right.RESULT_RECORD),
)
