"""Teams."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    savepoint = op.get_bind().begin_nested()
    try:
        op.create_table("teams", sa.Column("id", sa.Integer))
    except sa.exc.ProgrammingError:
        savepoint.rollback()
