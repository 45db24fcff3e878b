"""Extractions and lists of targets."""

import sqlalchemy as sa
from alembic import op


revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "extraction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["staff_group.id"], name=op.f("fk_extraction_group_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_extraction_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extraction")),
    )
    with op.batch_alter_table("extraction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_extraction_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_extraction_user_id_name"), ["user_id", "name"], unique=False)

    op.create_table(
        "target_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("area_bits", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["staff_group.id"], name=op.f("fk_target_list_group_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_target_list_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_list")),
    )
    with op.batch_alter_table("target_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_target_list_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_target_list_user_id"), ["user_id"], unique=False)

    op.create_table(
        "target",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_target_debtor_id")),
        sa.ForeignKeyConstraint(["list_id"], ["target_list.id"], name=op.f("fk_target_list_id")),
        sa.PrimaryKeyConstraint("list_id", "debtor_id", "area", name=op.f("pk_target")),
    )
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_target_debtor_id_area"), ["debtor_id", "area"], unique=False)

    # whoever may take data out may also search for it
    right = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    held = sa.select(right.c.level_code, sa.literal("extract")).where(right.c.right == "export")
    op.execute(right.insert().from_select(["level_code", "right"], held))


def downgrade() -> None:
    """Go back."""
    op.execute(sa.text("DELETE FROM level_right WHERE \"right\" = 'extract'"))
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_target_debtor_id_area"))

    op.drop_table("target")
    with op.batch_alter_table("target_list", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_target_list_user_id"))
        batch_op.drop_index(batch_op.f("ix_target_list_group_id"))

    op.drop_table("target_list")
    with op.batch_alter_table("extraction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_extraction_user_id_name"))
        batch_op.drop_index(batch_op.f("ix_extraction_group_id"))

    op.drop_table("extraction")
