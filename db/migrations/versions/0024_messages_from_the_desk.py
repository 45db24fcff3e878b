"""Messages from the desk: templates, batches, numbers that carriers say exist no more, and the rights to send."""

import sqlalchemy as sa
from alembic import op


revision = "0024"
down_revision = "0023"
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
    _batches()
    _grant("sms.send", _holding("call"))
    _grant("sms.batch", _holding("extract") & _holding("call"))


def _batches() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "sms_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("number_rule", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["target_list.id"], name=op.f("fk_sms_batch_list_id")),
        sa.ForeignKeyConstraint(["template_id"], ["sms_template.id"], name=op.f("fk_sms_batch_template_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_sms_batch_made_by")),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name=op.f("fk_sms_batch_approved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_batch")),
    )
    op.create_table(
        "sms_batch_target",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", big, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["sms_batch.id"], name=op.f("fk_sms_batch_target_batch_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_sms_batch_target_debtor_id")),
        sa.ForeignKeyConstraint(["message_id"], ["sms_message.id"], name=op.f("fk_sms_batch_target_message_id")),
        sa.PrimaryKeyConstraint("batch_id", "debtor_id", name=op.f("pk_sms_batch_target")),
        sa.UniqueConstraint("batch_id", "person_id", name=op.f("uq_sms_batch_target_batch_id_person_id")),
    )
    with op.batch_alter_table("sms_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sms_batch_state"), ["state"], unique=False)
    with op.batch_alter_table("sms_batch_target", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sms_batch_target_batch_id_reason"), ["batch_id", "reason"], unique=False)
    with op.batch_alter_table("sms_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("batch_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_sms_message_batch_id"), "sms_batch", ["batch_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_sms_message_batch_id_number"), ["batch_id", "number"])
        batch_op.drop_index(batch_op.f("ix_sms_message_state_not_before"))
        batch_op.create_index("ix_sms_message_queue", ["batch_id", "state", "not_before", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sms_message_submitting_at"), ["submitting_at"], unique=False)
        batch_op.create_index(
            "ix_sms_message_submitting",
            ["submitting_at"],
            unique=False,
            sqlite_where=sa.text("state = 'submitting'"),
            postgresql_where=sa.text("state = 'submitting'"),
        )


def downgrade() -> None:
    """Go back."""
    held = _held()
    op.execute(held.delete().where(held.c.right.in_(("sms.send", "sms.batch"))))
    with op.batch_alter_table("sms_message", schema=None) as batch_op:
        for name in ("queue", "submitting_at", "submitting"):
            batch_op.drop_index(f"ix_sms_message_{name}")
        batch_op.drop_constraint(batch_op.f("uq_sms_message_batch_id_number"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_sms_message_batch_id"), type_="foreignkey")
        batch_op.drop_column("batch_id")
        batch_op.create_index(batch_op.f("ix_sms_message_state_not_before"), ["state", "not_before"], unique=False)
    op.drop_table("sms_batch_target")
    op.drop_table("sms_batch")
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
