"""Routes of the search."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import Route, page
from webpanel.search.views import search

ROUTES: Final[tuple[Route, ...]] = (page("/search", search, Right.DEBTOR_VIEW),)
