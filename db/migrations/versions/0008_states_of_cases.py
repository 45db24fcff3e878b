"""States of cases with their counts, and the right to look at them."""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = ("principal", "oldest_due", "last_at", "state_since")


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("state_since", sa.Integer(), nullable=False, server_default="0"))
        for column in _INDEXES:
            name = batch_op.f(f"ix_case_summary_state_{column}_case_id")
            batch_op.create_index(name, ["state", column, "case_id"], unique=False)
    op.create_table(
        "state_tally",
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("area", "dimension", "key", "state", name=op.f("pk_state_tally")),
    )
    op.create_table(
        "state_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "area", "state", name=op.f("pk_state_day")),
    )
    op.create_table(
        "case_count",
        sa.Column("case_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("debtor_id", _BIG, nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("counted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_count")),
    )
    with op.batch_alter_table("case_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_count_debtor_id"), ["debtor_id"], unique=False)
    op.create_table(
        "state_sweep",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_to", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_sweep")),
    )
    # a register that has its levels already gets the new right; a new one gets it with its levels
    level = sa.table("level", sa.column("code", sa.String()))
    level_right = sa.table("level_right", sa.column("level_code", sa.String()), sa.column("right", sa.String()))
    levels = sa.select(level.c.code, sa.literal("workflow.view")).where(level.c.code.in_(("officer", "supervisor")))
    op.execute(level_right.insert().from_select(["level_code", "right"], levels))


def downgrade() -> None:
    """Go back."""
    level_right = sa.table("level_right", sa.column("right", sa.String()))
    op.execute(level_right.delete().where(level_right.c.right == "workflow.view"))
    for table in ("state_sweep", "case_count", "state_day", "state_tally"):
        op.drop_table(table)
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        for column in _INDEXES:
            batch_op.drop_index(batch_op.f(f"ix_case_summary_state_{column}_case_id"))
        batch_op.drop_column("state_since")
        batch_op.drop_column("state")
