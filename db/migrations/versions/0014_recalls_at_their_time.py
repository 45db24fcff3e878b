"""Recalls that pop up, are taken back or told to all; and whom a list that refreshes itself shows."""

import sqlalchemy as sa
from alembic import op


revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cancelled_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cancel_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_recall_cancelled_by"), "staff", ["cancelled_by"], ["id"])
    op.create_table(
        "recall_put_away",
        sa.Column("recall_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_put_away_recall_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_recall_put_away_user_id")),
        sa.PrimaryKeyConstraint("recall_id", "user_id", name=op.f("pk_recall_put_away")),
    )
    op.create_table(
        "shown",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("screen", sa.String(), nullable=False),
        sa.Column("debtor_ids", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_shown_user_id")),
        sa.PrimaryKeyConstraint("user_id", "screen", name=op.f("pk_shown")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("shown")
    op.drop_table("recall_put_away")
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recall_cancelled_by"), type_="foreignkey")
        batch_op.drop_column("escalated_at")
        batch_op.drop_column("cancel_reason")
        batch_op.drop_column("cancelled_by")
