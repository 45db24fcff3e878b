"""Summaries of cases."""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "summary_code",
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("family", "code", name=op.f("pk_summary_code")),
        sa.UniqueConstraint("family", "number", name=op.f("uq_summary_code_family_number")),
    )
    op.create_table(
        "summary_day",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summary_day")),
    )
    op.create_table(
        "summary_lot",
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_code"], ["tax_item.code"], name=op.f("fk_summary_lot_item_code")),
        sa.PrimaryKeyConstraint("area", "item_code", "fiscal_year", name=op.f("pk_summary_lot")),
        sa.UniqueConstraint("area", "number", name=op.f("uq_summary_lot_area_number")),
    )
    op.create_table(
        "case_summary",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("area_bit", sa.Integer(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("oldest_due", sa.Integer(), nullable=False),
        sa.Column("lots_0", sa.BigInteger(), nullable=False),
        sa.Column("lots_1", sa.BigInteger(), nullable=False),
        sa.Column("lots_2", sa.BigInteger(), nullable=False),
        sa.Column("numbers", sa.BigInteger(), nullable=False),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("district", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("phones", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("last_channel", sa.Integer(), nullable=False),
        sa.Column("last_answered_by", sa.Integer(), nullable=False),
        sa.Column("last_disposition", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("reached_hours", sa.BigInteger(), nullable=False),
        sa.Column("promise_total", sa.BigInteger(), nullable=False),
        sa.Column("promise_paid", sa.BigInteger(), nullable=False),
        sa.Column("promise_open_due", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("letter_kinds", sa.BigInteger(), nullable=False),
        sa.Column("last_letter", sa.Integer(), nullable=False),
        sa.Column("last_returned", sa.Integer(), nullable=False),
        sa.Column("birth", sa.Integer(), nullable=False),
        sa.Column("language", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("assigned_user", sa.Integer(), nullable=False),
        sa.Column("assigned_group", sa.Integer(), nullable=False),
        sa.Column("household_cases", sa.Integer(), nullable=False),
        sa.Column("household_principal", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("debtor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_case_summary_case_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_case_summary_debtor_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_summary")),
        sa.UniqueConstraint("debtor_id", "area", name=op.f("uq_case_summary_debtor_id_area")),
    )
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_summary_household_id_area"), ["household_id", "area"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_summary_last_at_case_id"), ["last_at", "case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_summary_oldest_due_case_id"), ["oldest_due", "case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_summary_principal_case_id"), ["principal", "case_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("case_summary", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_summary_principal_case_id"))
        batch_op.drop_index(batch_op.f("ix_case_summary_oldest_due_case_id"))
        batch_op.drop_index(batch_op.f("ix_case_summary_last_at_case_id"))
        batch_op.drop_index(batch_op.f("ix_case_summary_household_id_area"))

    op.drop_table("case_summary")
    op.drop_table("summary_lot")
    op.drop_table("summary_day")
    op.drop_table("summary_code")
