"""Parameters of statements that are built once, when their module is loaded.

To build a statement takes SQLAlchemy five to fifteen times as long as to run it, and it looks its compiled form up faster by
an object it has seen. So what every page and every dial asks stands in its module with these in place of values.
"""

from typing import Any, Final

from sqlalchemy import BindParameter, Date, bindparam

from db.rules.terms import Right
from db.rules.viewer import Viewer

DEBTOR_ID: Final[BindParameter[Any]] = bindparam("debtor_id")
DEBTOR_IDS: Final[BindParameter[Any]] = bindparam("debtor_ids", expanding=True)
TODAY: Final[BindParameter[Any]] = bindparam("today", type_=Date)
USER_ID: Final[BindParameter[Any]] = bindparam("user_id")
GROUP_IDS: Final[BindParameter[Any]] = bindparam("group_ids", expanding=True)


def areas(right: Right = Right.DEBTOR_VIEW) -> BindParameter[Any]:
    """The areas where the viewer has a right: what `Viewer.areas` is for values."""
    return bindparam(_name(right), expanding=True)


def areas_held(viewer: Viewer, *rights: Right) -> dict[str, Any]:
    """The values of `areas`."""
    return {_name(right): viewer.areas(right) for right in (Right.DEBTOR_VIEW, *rights)}


def _name(right: Right) -> str:
    return "areas" if right is Right.DEBTOR_VIEW else f"areas_{right.name.lower()}"


AREAS: Final = areas()
