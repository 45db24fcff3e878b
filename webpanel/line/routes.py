"""Routes of the line."""

from typing import Final

from db.rules.terms import Right
from db.usecases.commands import CommandKind
from webpanel.line import incoming, tasks, views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    fragment("/live/bar", views.bar, Right.CALL),
    fragment("/live/pop", incoming.pop, Right.CALL),
    fragment("/live/waiting", incoming.waiting, Right.CALL),
    page("/calls/{id}/caller", incoming.caller, Right.CALL),
    action("/calls/{id}/choose", incoming.choose, Right.CALL),
    action("/calls/{id}/dismiss", incoming.dismiss, Right.CALL),
    action("/calls/{id}/consult", views.consult, Right.CALL),
    action("/calls/{id}/hand-over", views.hand_over, Right.CALL),
    action("/calls/{id}/take-back", views.take_back, Right.CALL),
    page("/tasks/{id}", tasks.show, Right.CALL),
    action("/tasks/{id}/close", tasks.close, Right.CALL),
    action("/duty/start", views.start, Right.CALL),
    action("/duty/ring", views.ring, Right.CALL),
    action("/duty/pause", views.pause, Right.CALL),
    action("/duty/resume", views.resume, Right.CALL),
    action("/duty/end", views.end, Right.CALL),
    action("/duty/seen", views.seen, Right.CALL),
    action("/calls", views.place, Right.CALL),
    action("/calls/{id}/pause-recording", views.recording(pause=True), Right.CALL),
    action("/calls/{id}/record-again", views.recording(pause=False), Right.CALL),
    action("/calls/{id}/hangup", views.wanting(CommandKind.HANG_UP), Right.CALL),
    action("/calls/{id}/hold", views.wanting(CommandKind.HOLD), Right.CALL),
    action("/calls/{id}/resume", views.wanting(CommandKind.RESUME), Right.CALL),
)
