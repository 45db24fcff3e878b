"""Routes of the live floor."""

from typing import Final

from db.rules.terms import Right
from webpanel.floor import acts, views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/floor", views.show, Right.FLOOR_VIEW),
    fragment("/floor/now", views.now, Right.FLOOR_VIEW),
    fragment("/floor/operators/{id}", acts.panel, Right.FLOOR_VIEW),
    action("/floor/operators/{id}", acts.act, Right.FLOOR_ACT),
    action("/floor/operators/{id}/campaigns", acts.assign, Right.FLOOR_ACT),
    action("/floor/operators/{id}/monitor", acts.monitor, Right.CALL_MONITOR),
    action("/floor/monitor", acts.change_monitor, Right.CALL_MONITOR),
    action("/floor/monitor/stop", acts.stop_monitor, Right.CALL_MONITOR),
)
