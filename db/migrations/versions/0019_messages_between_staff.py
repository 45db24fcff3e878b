"""Messages between staff about a case, and who has read them."""

import sqlalchemy as sa
from alembic import op


revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply_to", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_message_debtor_id")),
        sa.ForeignKeyConstraint(["from_id"], ["staff.id"], name=op.f("fk_message_from_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_message_user_id")),
        sa.ForeignKeyConstraint(["group_id"], ["staff_group.id"], name=op.f("fk_message_group_id")),
        sa.ForeignKeyConstraint(["reply_to"], ["message.id"], name=op.f("fk_message_reply_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        for columns in (("user_id", "sent_at"), ("group_id", "sent_at"), ("from_id", "sent_at"), ("debtor_id", "area")):
            batch_op.create_index(batch_op.f(f"ix_message_{'_'.join(columns)}"), list(columns), unique=False)
    op.create_table(
        "message_read",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_read_message_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_message_read_user_id")),
        sa.PrimaryKeyConstraint("message_id", "user_id", name=op.f("pk_message_read")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("message_read")
    op.drop_table("message")
