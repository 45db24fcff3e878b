"""Campaigns that tell answering machines from people, and what they do with them."""

import sqlalchemy as sa
from alembic import op


revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("machines", sa.String(24), nullable=False, server_default="ignore"))
        batch_op.add_column(sa.Column("voicemail_prompt", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("machine_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_column("machine_at")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_column("voicemail_prompt")
        batch_op.drop_column("machines")
