"""Routes of the live parts."""

from typing import Final

from webpanel.live import views
from webpanel.routing import SIGNED_IN, Route, fragment

ROUTES: Final[tuple[Route, ...]] = (
    fragment("/events", views.events, SIGNED_IN),
    fragment("/live/token", views.token, SIGNED_IN),
)
