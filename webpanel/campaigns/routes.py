"""Routes of campaigns."""

from typing import Final

from db.rules.terms import Right
from webpanel.campaigns import views, work
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/campaigns", views.show, Right.CAMPAIGN_RUN),
    fragment("/campaigns/list", views.listed, Right.CAMPAIGN_RUN),
    page("/campaigns/new", views.new, Right.CAMPAIGN_RUN),
    action("/campaigns", views.make, Right.CAMPAIGN_RUN),
    page("/campaigns/{id}", views.edit, Right.CAMPAIGN_RUN),
    fragment("/campaigns/{id}/figures", views.figures, Right.CAMPAIGN_RUN),
    action("/campaigns/{id}", views.change, Right.CAMPAIGN_RUN),
    action("/campaigns/{id}/start", views.start, Right.CAMPAIGN_RUN),
    action("/campaigns/{id}/pause", views.pause, Right.CAMPAIGN_RUN),
    action("/campaigns/{id}/stop", views.stop, Right.CAMPAIGN_RUN),
    fragment("/live/campaigns", work.offers, Right.CALL),
    action("/campaigns/{id}/join", work.join, Right.CALL),
    action("/campaigns/{id}/leave", work.leave, Right.CALL),
    action("/campaigns/{id}/next", work.next_person, Right.CALL),
    action("/campaigns/{id}/pass-over", work.pass_over, Right.CALL),
)
