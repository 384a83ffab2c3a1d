"""${message}"""

from alembic import context, op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    p = context.config.attributes["prefix"]
    ${upgrades if upgrades else "pass"}
