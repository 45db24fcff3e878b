"""Installment numbers by fiscal year in the summaries of cases; all summaries are made anew."""

import sqlalchemy as sa
from alembic import op


revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. Without its day a register is taken as one that has no summaries yet."""
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        batch_op.add_column(sa.Column("year_numbers_0", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("year_numbers_1", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(sa.delete(sa.table("summary_day")))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        batch_op.drop_column("year_numbers_1")
        batch_op.drop_column("year_numbers_0")
