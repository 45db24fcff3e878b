"""Templates of messages, numbers that carriers say exist no more, and the right to send for whoever may call."""

import sqlalchemy as sa
from alembic import op


revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. A new register has no levels yet: they are laid with all their rights."""
    op.create_table(
        "sms_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["staff.id"], name=op.f("fk_sms_template_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_template")),
    )
    op.create_table(
        "sms_gone",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["sms_message.id"], name=op.f("fk_sms_gone_message_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sms_gone")),
    )
    with op.batch_alter_table("sms_template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sms_template_area_set_at"), ["area", "set_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sms_template_template_id"), ["template_id"], unique=False)
    _grant("sms.send", _holding("call"))


def downgrade() -> None:
    """Go back."""
    held = _held()
    op.execute(held.delete().where(held.c.right == "sms.send"))
    op.drop_table("sms_gone")
    op.drop_table("sms_template")


def _held() -> sa.TableClause:
    return sa.table("level_right", sa.column("level_code"), sa.column("right"))


def _holding(right: str) -> set[str]:
    held = _held()
    return set(op.get_bind().execute(sa.select(held.c.level_code).where(held.c.right == right)).scalars())


def _grant(right: str, levels: set[str]) -> None:
    rows = [{"level_code": code, "right": right} for code in sorted(levels - _holding(right))]
    if rows:
        op.bulk_insert(_held(), rows)
