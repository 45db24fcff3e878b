"""What supervisors do on the floor: what is to follow for an operator, what they are told, whose calls they take part in,
and the rights for it."""

import sqlalchemy as sa
from alembic import op


revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_RIGHTS = ("floor.act", "call.monitor")


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
        op.bulk_insert(held, [{"level_code": "supervisor", "right": right} for right in _RIGHTS])
    _monitors()


def _monitors() -> None:
    op.create_table(
        "monitor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("leg_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("of_user", sa.Integer(), nullable=False),
        sa.Column("of_seat", sa.String(), nullable=False),
        sa.Column("mode", sa.String(24), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_monitor_call_id_call")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_monitor_user_id_staff")),
        sa.ForeignKeyConstraint(["of_user"], ["staff.id"], name=op.f("fk_monitor_of_user_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor")),
    )
    with op.batch_alter_table("monitor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitor_call_id_ended_at"), ["call_id", "ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitor_user_id_ended_at"), ["user_id", "ended_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    op.execute(held.delete().where(held.c.right.in_(_RIGHTS)))
    op.drop_table("monitor")
    with op.batch_alter_table("duty_log", schema=None) as batch_op:
        batch_op.drop_column("word")
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_duty_after_by"), type_="foreignkey")
        for column in ("word", "after_by", "after_reason", "after"):
            batch_op.drop_column(column)
