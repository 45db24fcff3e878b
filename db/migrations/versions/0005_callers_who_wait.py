"""Callers who wait: whether the office was open, and the number they left."""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incoming", schema=None) as batch_op:
        batch_op.add_column(sa.Column("opening", sa.String(24), nullable=False, server_default="open"))
        batch_op.add_column(sa.Column("left_number", sa.String(), nullable=True))
    with op.batch_alter_table("incoming", schema=None) as batch_op:
        batch_op.alter_column("opening", server_default=None)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("incoming", schema=None) as batch_op:
        batch_op.drop_column("left_number")
        batch_op.drop_column("opening")
