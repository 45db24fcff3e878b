"""Files that come from the core systems and go back to them."""

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "export_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("mapping_name", sa.String(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_run")),
    )
    with op.batch_alter_table("export_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_export_run_kind_mapping_name_made_at"), ["kind", "mapping_name", "made_at"], unique=False
        )

    op.create_table(
        "export_item",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["export_run.id"], name=op.f("fk_export_item_export_id")),
        sa.PrimaryKeyConstraint("stream", "subject_id", "event", name=op.f("pk_export_item")),
    )
    with op.batch_alter_table("export_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_export_item_export_id_position"), ["export_id", "position"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("load", sa.String(24), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("mapping_name", sa.String(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("staged", sa.Boolean(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("private", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["job.id"], name=op.f("fk_import_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_run_kind_sha256"), ["kind", "sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_run_state"), ["state"], unique=False)

    op.create_table(
        "freshness",
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("area", sa.String(24), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import_run.id"], name=op.f("fk_freshness_import_id")),
        sa.PrimaryKeyConstraint("kind", "area", name=op.f("pk_freshness")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_ended_at"), ["ended_at"], unique=False)

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_recorded_at"), ["recorded_at"], unique=False)

    with op.batch_alter_table("debtor", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closed_on", sa.Date(), nullable=True))

    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("installment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stated", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stated_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("closed_on", sa.Date(), nullable=True))

    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("late_charge", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("target", sa.String(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_payment_target"),
            ["target"],
            unique=False,
            sqlite_where=sa.text("target IS NOT NULL"),
            postgresql_where=sa.text("target IS NOT NULL"),
        )

    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promise_cancelled_at"), ["cancelled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_promise_made_at"), ["made_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_promise_made_at"))
        batch_op.drop_index(batch_op.f("ix_promise_cancelled_at"))

    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_payment_target"),
            sqlite_where=sa.text("target IS NOT NULL"),
            postgresql_where=sa.text("target IS NOT NULL"),
        )
        batch_op.drop_column("target")
        batch_op.drop_column("late_charge")

    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_column("cancelled_at")

    with op.batch_alter_table("installment", schema=None) as batch_op:
        batch_op.drop_column("closed_on")
        batch_op.drop_column("stated_on")
        batch_op.drop_column("stated")

    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_column("source")

    with op.batch_alter_table("debtor", schema=None) as batch_op:
        batch_op.drop_column("closed_on")

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_recorded_at"))

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_ended_at"))

    op.drop_table("freshness")
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_run_state"))
        batch_op.drop_index(batch_op.f("ix_import_run_kind_sha256"))

    op.drop_table("import_run")
    with op.batch_alter_table("export_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_export_item_export_id_position"))

    op.drop_table("export_item")
    with op.batch_alter_table("export_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_export_run_kind_mapping_name_made_at"))

    op.drop_table("export_run")
