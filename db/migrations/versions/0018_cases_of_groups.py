"""The cases of a group are found along an index."""

from alembic import op


revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_group_id_ended_at"), ["group_id", "ended_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assignment_group_id_ended_at"))
