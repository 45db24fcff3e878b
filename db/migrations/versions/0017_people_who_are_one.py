"""People who are one under several numbers (名寄せ), the indexes that find them, and the right to decide on them."""

import sqlalchemy as sa
from alembic import op


revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LATER = (("officer", "person.merge"), ("supervisor", "person.merge"))


def upgrade() -> None:
    """Go forward."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "merge_pair",
        sa.Column("id", big, nullable=False),
        sa.Column("first_id", big, nullable=False),
        sa.Column("second_id", big, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("found_at", moment, nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_merge_pair_in_order")),
        sa.ForeignKeyConstraint(["first_id"], ["debtor.id"], name=op.f("fk_merge_pair_first_id")),
        sa.ForeignKeyConstraint(["second_id"], ["debtor.id"], name=op.f("fk_merge_pair_second_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_pair")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_merge_pair_first_id_second_id")),
    )
    op.create_index(op.f("ix_merge_pair_second_id"), "merge_pair", ["second_id"])
    op.create_index(op.f("ix_merge_pair_state_score_id"), "merge_pair", ["state", "score", "id"])
    op.create_table(
        "merge_decision",
        sa.Column("id", big, nullable=False),
        sa.Column("pair_id", big, nullable=False),
        sa.Column("act", sa.String(24), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["merge_pair.id"], name=op.f("fk_merge_decision_pair_id")),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_merge_decision_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_decision")),
    )
    op.create_index(op.f("ix_merge_decision_pair_id"), "merge_decision", ["pair_id"])
    op.create_table(
        "merged_person",
        sa.Column("debtor_id", big, nullable=False),
        sa.Column("person_id", big, nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_merged_person_debtor_id")),
        sa.PrimaryKeyConstraint("debtor_id", name=op.f("pk_merged_person")),
    )
    op.create_index(op.f("ix_merged_person_person_id"), "merged_person", ["person_id"])
    op.create_table(
        "merge_sweep",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after", big, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_sweep")),
    )
    for name in ("name", "kana"):
        op.drop_index(op.f(f"ix_debtor_{name}_folded"), "debtor")
        op.create_index(op.f(f"ix_debtor_{name}_folded_birth_date"), "debtor", [f"{name}_folded", "birth_date"])
    op.create_index(op.f("ix_address_town_block"), "address", ["town", "block"])
    _grant()


def _grant() -> None:
    """The right for registers that have levels already; a new one is laid with all rights."""
    level = sa.table("level", sa.column("code"))
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    there = set(op.get_bind().execute(sa.select(level.c.code)).scalars())
    has = {tuple(row) for row in op.get_bind().execute(sa.select(held.c.level_code, held.c.right))}
    rows = [
        {"level_code": code, "right": right} for code, right in _LATER if code in there and (code, right) not in has
    ]
    if rows:
        op.bulk_insert(held, rows)


def downgrade() -> None:
    """Go back."""
    held = sa.table("level_right", sa.column("level_code"), sa.column("right"))
    op.execute(held.delete().where(held.c.right == "person.merge"))
    op.drop_index(op.f("ix_address_town_block"), "address")
    for name in ("name", "kana"):
        op.drop_index(op.f(f"ix_debtor_{name}_folded_birth_date"), "debtor")
        op.create_index(op.f(f"ix_debtor_{name}_folded"), "debtor", [f"{name}_folded"])
    for table in ("merge_sweep", "merged_person", "merge_decision", "merge_pair"):
        op.drop_table(table)
