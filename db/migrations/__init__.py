"""Migrations of the register, run by Alembic: `saikoku db upgrade`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from db.engine import Database


def config(database: Database) -> Config:
    """Alembic's configuration for this register; it needs no file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    made.attributes["database"] = database
    return made


def upgrade(database: Database) -> None:
    """Bring the register to the newest form."""
    command.upgrade(config(database), "head")
