"""Routes of recordings."""

from typing import Final

from db.rules.terms import Right
from webpanel.recordings import views
from webpanel.routing import Route, action, fragment

_RECORDING: Final = "/recordings/{id}"

ROUTES: Final[tuple[Route, ...]] = (
    fragment(_RECORDING, views.send_sound, Right.RECORDING_PLAY),
    action(f"{_RECORDING}/play", views.open_player, Right.RECORDING_PLAY),
    action(f"{_RECORDING}/hold", views.hold, Right.RECORDING_HOLD),
)
