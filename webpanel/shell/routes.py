"""Routes of the shell."""

from typing import Final

from webpanel.routing import SIGNED_IN, Route, action, page, public
from webpanel.shell import health, home, login

ROUTES: Final[tuple[Route, ...]] = (
    public("GET", "/healthz", health.healthz),
    public("GET", "/metrics", health.metrics),
    public("GET", "/login", login.show_login),
    public("POST", "/login", login.log_in),
    action("/logout", login.log_out, SIGNED_IN, while_expired=True),
    page("/", home.show_home, SIGNED_IN),
)
