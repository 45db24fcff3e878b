"""Calls that are taken to an officer."""

import sqlalchemy as sa
from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("from_user", sa.Integer(), nullable=False),
        sa.Column("to_user", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_transfer_call_id_call")),
        sa.ForeignKeyConstraint(["from_user"], ["staff.id"], name=op.f("fk_transfer_from_user_staff")),
        sa.ForeignKeyConstraint(["to_user"], ["staff.id"], name=op.f("fk_transfer_to_user_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    )
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfer_call_id_began_at"), ["call_id", "began_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfer_to_user_ended_at"), ["to_user", "ended_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("transfer")
