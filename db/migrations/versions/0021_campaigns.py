"""Campaigns over lists of targets, and the dials that they make."""

import sqlalchemy as sa
from alembic import op


revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(24), nullable=False),
        sa.Column("pbx", sa.String(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("order", sa.String(24), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Double(), nullable=False),
        sa.Column("target_abandonment", sa.Double(), nullable=False),
        sa.Column("cap", sa.Double(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.String(), nullable=False),
        sa.Column("script", sa.String(), nullable=False),
        sa.Column("abandoned_prompt", sa.String(), nullable=False),
        sa.Column("retry", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["staff_group.id"], name=op.f("fk_campaign_group_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_campaign_made_by")),
        sa.ForeignKeyConstraint(["changed_by"], ["staff.id"], name=op.f("fk_campaign_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_state"), "campaign", ["state"])
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("campaign_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("abandoned_at", _MOMENT, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_attempt_campaign_id"), "campaign", ["campaign_id"], ["id"])
        batch_op.create_index(
            batch_op.f("ix_attempt_campaign_id_prepared_at"), ["campaign_id", "prepared_at"], unique=False
        )
    op.create_table(
        "campaign_list",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_list_campaign_id")),
        sa.ForeignKeyConstraint(["list_id"], ["target_list.id"], name=op.f("fk_campaign_list_list_id")),
        sa.PrimaryKeyConstraint("campaign_id", "list_id", name=op.f("pk_campaign_list")),
    )
    op.create_table(
        "campaign_operator",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_operator_campaign_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_campaign_operator_user_id")),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name=op.f("pk_campaign_operator")),
    )
    _targets()


def _targets() -> None:
    op.create_table(
        "campaign_target",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("debtor_id", _BIG, nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("order_key", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_result", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("since", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_target_campaign_id")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_campaign_target_debtor_id")),
        sa.ForeignKeyConstraint(["list_id"], ["target_list.id"], name=op.f("fk_campaign_target_list_id")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_campaign_target_attempt_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_campaign_target_user_id")),
        sa.PrimaryKeyConstraint("campaign_id", "debtor_id", "area", name=op.f("pk_campaign_target")),
    )
    op.create_index(
        "ix_campaign_target_queue", "campaign_target", ["campaign_id", "state", "list_id", "due_at", "order_key"]
    )
    op.create_index("ix_campaign_target_figures", "campaign_target", ["campaign_id", "state", "reason", "last_result"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("campaign_target")
    op.drop_table("campaign_operator")
    op.drop_table("campaign_list")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_campaign_id_prepared_at"))
        batch_op.drop_constraint(batch_op.f("fk_attempt_campaign_id"), type_="foreignkey")
        batch_op.drop_column("abandoned_at")
        batch_op.drop_column("campaign_id")
    op.drop_table("campaign")
