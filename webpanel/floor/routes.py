"""Routes of the live floor."""

from typing import Final

from db.rules.terms import Right
from webpanel.floor import views
from webpanel.routing import Route, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/floor", views.show, Right.FLOOR_VIEW),
    fragment("/floor/now", views.now, Right.FLOOR_VIEW),
)
