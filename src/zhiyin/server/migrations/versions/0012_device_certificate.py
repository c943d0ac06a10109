"""A device may be known by its certificate."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("network_device") as table:
        table.add_column(
            sa.Column("certificate", sa.String(400), nullable=False, server_default="")
        )


def downgrade() -> None:
    with op.batch_alter_table("network_device") as table:
        table.drop_column("certificate")
