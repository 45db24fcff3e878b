"""Routes of the administration."""

from typing import Final

from db.rules.terms import Right
from webpanel.admin import views
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/admin/users", views.users, Right.USER_ADMIN),
    fragment("/admin/users/list", views.user_list, Right.USER_ADMIN),
    action("/admin/users", views.add_user, Right.USER_ADMIN),
    action("/admin/users/{id}/password", views.reset_password, Right.USER_ADMIN),
    action("/admin/users/{id}/disable", views.disable, Right.USER_ADMIN),
    action("/admin/users/{id}/enable", views.enable, Right.USER_ADMIN),
    action("/admin/users/{id}/grants", views.grant, Right.USER_ADMIN),
    action("/admin/users/{id}/grants/{grant}/revoke", views.revoke, Right.USER_ADMIN),
    page("/admin/access-log", views.access_log, Right.AUDIT_VIEW),
    fragment("/admin/access-log/chain", views.chain, Right.AUDIT_VIEW),
)
