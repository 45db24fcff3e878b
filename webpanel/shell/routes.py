"""Routes of the shell."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import SIGNED_IN, Route, action, fragment, page, public
from webpanel.shell import health, home, login, password

ROUTES: Final[tuple[Route, ...]] = (
    public("GET", "/healthz", health.healthz),
    public("GET", "/metrics", health.metrics),
    public("GET", "/login", login.show_login),
    public("POST", "/login", login.log_in),
    action("/logout", login.log_out, SIGNED_IN, while_expired=True),
    page("/password", password.show_password, SIGNED_IN, while_expired=True),
    action("/password", password.change_password, SIGNED_IN, while_expired=True),
    page("/", home.show_home, SIGNED_IN),
    page("/signed-in", home.signed_in, SIGNED_IN),
    fragment("/live/due", home.due_part, Right.DEBTOR_VIEW),
    fragment("/live/numbers", home.numbers_part, Right.DEBTOR_VIEW),
)
