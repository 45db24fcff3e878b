"""Routes of assigned cases."""

from typing import Final

from db.rules.terms import Right
from webpanel.cases import views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/cases", views.show, Right.DEBTOR_VIEW),
    fragment("/cases/list", views.listed, Right.DEBTOR_VIEW),
    page("/assign", views.choose, Right.ASSIGN),
    fragment("/assign/preview", views.preview, Right.ASSIGN),
    action("/assign", views.assign_many, Right.ASSIGN),
    action("/debtors/{id}/assignment", views.assign_one, Right.ASSIGN),
)
