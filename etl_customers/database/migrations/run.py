"""Runs Alembic on a connection that is already in a transaction; configured here, without alembic.ini."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migration_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration of this package, with the connection that ``env.py`` uses."""
    config = Config(attributes={"connection": connection})
    # Alembic reads options as configparser does, where % starts an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade_connection(connection: Connection) -> None:
    """Bring the tables to the newest version inside the connection's transaction."""
    command.upgrade(migration_config(connection), "head")
