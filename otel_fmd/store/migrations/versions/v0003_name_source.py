"""Where an endpoint's name came from: its route, its span's name, or the paths of its requests."""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; of endpoints that are there it is not known."""
    p = context.config.attributes["prefix"]
    op.add_column(f"{p}Endpoint", sa.Column("name_source", sa.String(20), nullable=True))
