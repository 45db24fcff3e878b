"""What supervisors do on the floor: what is to follow for an operator, what they are told, and the right to act."""

import sqlalchemy as sa
from alembic import op


revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_RIGHT = "floor.act"


def upgrade() -> None:
    """Go forward. A new register has no levels yet: they are laid with all their rights."""
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.add_column(sa.Column("after", sa.String(24), nullable=True))
        batch_op.add_column(sa.Column("after_reason", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("after_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("word", sa.String(), nullable=False, server_default=""))
        batch_op.create_foreign_key(batch_op.f("fk_duty_after_by"), "staff", ["after_by"], ["id"])
    with op.batch_alter_table("duty_log", schema=None) as batch_op:
        batch_op.add_column(sa.Column("word", sa.String(), nullable=False, server_default=""))
    for table, columns in (("duty", ("after_reason", "word")), ("duty_log", ("word",))):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.alter_column(column, server_default=None)
    level = sa.table("level", sa.column("code"))
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    if op.get_bind().execute(sa.select(level.c.code).where(level.c.code == "supervisor")).first():
        op.bulk_insert(held, [{"level_code": "supervisor", "right": _RIGHT}])


def downgrade() -> None:
    """Go back."""
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    op.execute(held.delete().where(held.c.right == _RIGHT))
    with op.batch_alter_table("duty_log", schema=None) as batch_op:
        batch_op.drop_column("word")
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_duty_after_by"), type_="foreignkey")
        for column in ("word", "after_by", "after_reason", "after"):
            batch_op.drop_column(column)
