"""Routes of messages between staff."""

from typing import Final

from db.rules.terms import Right
from webpanel.messages import views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/messages", views.show, Right.DEBTOR_VIEW),
    fragment("/messages/list", views.listed, Right.DEBTOR_VIEW),
    fragment("/live/inbox", views.on_home, Right.DEBTOR_VIEW),
    fragment("/live/unread", views.unread, Right.DEBTOR_VIEW),
    action("/debtors/{id}/messages", views.send, Right.DEBTOR_VIEW),
    action("/messages/{id}/read", views.mark_read, Right.DEBTOR_VIEW),
    action("/messages/{id}/reply", views.reply, Right.DEBTOR_VIEW),
)
