"""Exports that are finished by whoever writes their file."""

import sqlalchemy as sa
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("export_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("for_file", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("export_run", schema=None) as batch_op:
        batch_op.drop_column("for_file")
