"""Routes of the emergency stop."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import SIGNED_IN, Route, action, fragment
from webpanel.stop import views

ROUTES: Final[tuple[Route, ...]] = (
    fragment("/live/stop", views.bar, SIGNED_IN),
    action("/stop", views.stop, Right.CAMPAIGN_RUN),
    action("/stop/resume", views.resume, Right.CAMPAIGN_RUN),
)
