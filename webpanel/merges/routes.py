"""Routes of 名寄せ."""

from typing import Final

from db.rules.terms import Right
from webpanel.merges import views
from webpanel.routing import Route, action, page

_PAIR: Final = "/merges/{one}/{other}"

ROUTES: Final[tuple[Route, ...]] = (
    page("/merges", views.show_list, Right.PERSON_MERGE),
    page(_PAIR, views.show_pair, Right.PERSON_MERGE),
    action(_PAIR, views.decide, Right.PERSON_MERGE),
)
