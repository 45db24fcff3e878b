"""The panel's features: each is a folder with `routes.py` (its ROUTES) and `templates/`. A new one is added here."""

from typing import Final

from webpanel.admin.routes import ROUTES as ADMIN
from webpanel.campaigns.routes import ROUTES as CAMPAIGNS
from webpanel.cases.routes import ROUTES as CASES
from webpanel.debtors.routes import ROUTES as DEBTORS
from webpanel.extract.routes import ROUTES as EXTRACT
from webpanel.floor.routes import ROUTES as FLOOR
from webpanel.imports.routes import ROUTES as IMPORTS
from webpanel.line.routes import ROUTES as LINE
from webpanel.live.routes import ROUTES as LIVE
from webpanel.merges.routes import ROUTES as MERGES
from webpanel.messages.routes import ROUTES as MESSAGES
from webpanel.recalls.routes import ROUTES as RECALLS
from webpanel.recordings.routes import ROUTES as RECORDINGS
from webpanel.routing import Route
from webpanel.rules.routes import ROUTES as RULES
from webpanel.search.routes import ROUTES as SEARCH
from webpanel.shell.routes import ROUTES as SHELL
from webpanel.sms.routes import ROUTES as SMS
from webpanel.stop.routes import ROUTES as STOP
from webpanel.tasks.routes import ROUTES as TASKS
from webpanel.workflow.routes import ROUTES as WORKFLOW

FEATURES: Final[tuple[tuple[Route, ...], ...]] = (
    SHELL,
    STOP,
    TASKS,
    CASES,
    MESSAGES,
    LINE,
    LIVE,
    ADMIN,
    SEARCH,
    EXTRACT,
    CAMPAIGNS,
    FLOOR,
    DEBTORS,
    MERGES,
    RECALLS,
    RECORDINGS,
    RULES,
    SMS,
    WORKFLOW,
    IMPORTS,
)
