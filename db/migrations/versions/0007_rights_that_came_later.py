"""Rights that came after the first offices were laid: holding recordings, and editing the rules of contact."""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LATER = (
    ("officer", "recording.hold"),
    ("supervisor", "recording.hold"),
    ("supervisor", "rules.edit"),
)


def upgrade() -> None:
    """Go forward. A new register has no levels yet: they are laid with all their rights."""
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
    op.execute(held.delete().where(held.c.right == "rules.edit"))
