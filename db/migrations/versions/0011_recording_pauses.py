"""Parts of calls that are left out of their recordings."""

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "recording_pause",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_recording_pause_call_id_call")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_recording_pause_user_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_pause")),
    )
    with op.batch_alter_table("recording_pause", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_pause_call_id_began_at"), ["call_id", "began_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("recording_pause")
