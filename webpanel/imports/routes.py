"""Routes of imports and exports."""

from typing import Final

from db.rules.terms import Right
from webpanel.imports import reports, sending, views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/imports", views.index, Right.IMPORT),
    fragment("/imports/list", views.listed, Right.IMPORT),
    action("/imports", views.upload, Right.IMPORT),
    action("/exports", sending.make, Right.IMPORT),
    page("/exports/{id}.csv", sending.fetch, Right.IMPORT),
    page("/imports/{id}", reports.show, Right.IMPORT),
    fragment("/imports/{id}/state", reports.state, Right.IMPORT),
    action("/imports/{id}/cancel", views.cancel, Right.IMPORT),
    action("/imports/{id}/confirm", views.confirm, Right.IMPORT),
    page("/imports/{id}/rejected.csv", reports.rejected, Right.IMPORT),
    page("/imports/{id}/gaiji.csv", reports.private, Right.IMPORT),
)
