"""Routes of the rules of contact."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import Route, action, fragment, page
from webpanel.rules import phrases, views

ROUTES: Final[tuple[Route, ...]] = (
    page("/rules/phrases", phrases.show, Right.RULES_EDIT),
    action("/rules/phrases/{area}", phrases.change, Right.RULES_EDIT),
    page("/rules", views.show, Right.RULES_EDIT),
    fragment("/rules/{area}/history", views.past, Right.RULES_EDIT),
    action("/rules/{area}", views.change, Right.RULES_EDIT),
)
