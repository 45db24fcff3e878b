"""Migrations of the register, run by Alembic: `saikoku db upgrade`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

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


def forms(tx: Connection, database: Database) -> tuple[str | None, str | None]:
    """The form that the register has (None: no register yet), and the newest, which this saikoku works with."""
    newest = ScriptDirectory.from_config(config(database)).get_current_head()
    if not inspect(tx).has_table("alembic_version"):
        return None, newest
    return tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none(), newest
