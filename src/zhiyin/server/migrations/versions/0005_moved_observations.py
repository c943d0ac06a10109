"""Observations whose time was changed keep their id."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("network_sta_observation") as table:
        table.add_column(sa.Column("id_time", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("id_turn", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("network_sta_observation") as table:
        table.drop_column("id_turn")
        table.drop_column("id_time")
