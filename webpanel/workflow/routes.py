"""Routes of the workflow."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import Route, action, fragment, page
from webpanel.workflow import export, views

ROUTES: Final[tuple[Route, ...]] = (
    page("/workflow", views.show_workflow, Right.WORKFLOW_VIEW),
    fragment("/workflow/numbers", views.numbers_part, Right.WORKFLOW_VIEW),
    page("/workflow/figures", views.show_figures, Right.WORKFLOW_VIEW),
    fragment("/workflow/figures/live", views.figures_part, Right.WORKFLOW_VIEW),
    page("/workflow/people", views.show_people, Right.WORKFLOW_VIEW),
    action("/workflow/people/csv", export.send_csv, Right.EXPORT),
)
