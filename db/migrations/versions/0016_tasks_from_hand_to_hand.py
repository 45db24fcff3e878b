"""Tasks that go from hand to hand, rules that raise them once, and the right to assign."""

import sqlalchemy as sa
from alembic import op


revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. A new register has no levels yet: they are laid with all their rights."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("instruction", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("made_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("rule_key", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("word", sa.String(), nullable=False, server_default=""))
        batch_op.create_foreign_key(batch_op.f("fk_task_made_by"), "staff", ["made_by"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_task_rule_key"), ["rule_key"])
        batch_op.create_index(batch_op.f("ix_task_user_id_done_at"), ["user_id", "done_at"], unique=False)
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.alter_column("instruction", server_default=None)
        batch_op.alter_column("word", server_default=None)
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispatch_returned_on"), ["returned_on"], unique=False)
    op.create_table(
        "task_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("word", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_step_task_id")),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name=op.f("fk_task_step_by")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_task_step_user_id")),
        sa.ForeignKeyConstraint(["group_id"], ["staff_group.id"], name=op.f("fk_task_step_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_step")),
    )
    with op.batch_alter_table("task_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_step_task_id"), ["task_id"], unique=False)
    _add_right("supervisor", "case.assign")


def downgrade() -> None:
    """Go back."""
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    op.execute(held.delete().where(held.c.right == "case.assign"))
    op.drop_table("task_step")
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispatch_returned_on"))
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_user_id_done_at"))
        batch_op.drop_constraint(batch_op.f("uq_task_rule_key"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_task_made_by"), type_="foreignkey")
        batch_op.drop_column("word")
        batch_op.drop_column("rule_key")
        batch_op.drop_column("made_by")
        batch_op.drop_column("instruction")


def _add_right(code: str, right: str) -> None:
    level = sa.table("level", sa.column("code"))
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    bind = op.get_bind()
    there = bind.execute(sa.select(level.c.code).where(level.c.code == code)).scalar_one_or_none()
    has = bind.execute(sa.select(held).where(held.c.level_code == code, held.c.right == right)).one_or_none()
    if there is not None and has is None:
        op.bulk_insert(held, [{"level_code": code, "right": right}])
