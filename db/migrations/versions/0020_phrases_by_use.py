"""How often each of the office's phrases is used in notes."""

import sqlalchemy as sa
from alembic import op


revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "phrase_use",
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("phrase", sa.String(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("area", "phrase", name=op.f("pk_phrase_use")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("phrase_use")
