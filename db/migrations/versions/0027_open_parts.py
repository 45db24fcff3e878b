"""Parts of messages of which nothing final is known, found without a walk through all of a week."""

import sqlalchemy as sa
from alembic import op


revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_OPEN = "state IN ('accepted', 'unknown')"


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_sms_part_open",
        "sms_part",
        ["submitted_at"],
        unique=False,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_sms_part_open", "sms_part")
