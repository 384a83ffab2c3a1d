"""Who logs in with OpenID Connect: issuer and subject, and the user that they are here."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"

_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def upgrade() -> None:
    """Create the table; it is empty until somebody logs in that way."""
    name = f"{context.config.attributes['prefix']}UserIdentity"
    op.create_table(
        name,
        sa.Column("hash", sa.String(64), nullable=False, primary_key=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        **_MYSQL,
    )
    op.create_index(f"ix_{name}_user_id", name, ["user_id"])
