"""The panel's features: each is a folder with `routes.py` (its ROUTES) and `templates/`. A new one is added here."""

from typing import Final

from webpanel.routing import Route
from webpanel.shell.routes import ROUTES as SHELL

FEATURES: Final[tuple[tuple[Route, ...], ...]] = (SHELL,)
