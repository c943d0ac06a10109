"""devices with protocol and address, calibrations, orders, happenings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXTS = (("template", 64), ("gateway", 32), ("address", 128), ("key", 128), ("model", 100),
         ("firmware", 100))  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("network_device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("thing", sa.String(64), nullable=False, server_default=""))
        for name, length in TEXTS:
            column = sa.Column(name, sa.String(length), nullable=False, server_default="")
            batch_op.add_column(column)
        batch_op.add_column(sa.Column("settings", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("every", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(
            sa.Column("repair", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE network_device SET thing = id")
    with op.batch_alter_table("network_device", schema=None) as batch_op:
        batch_op.create_index("ix_network_device_thing", ["thing"], unique=False)
        batch_op.create_index("network_device_by_address", ["gateway", "address"], unique=False)

    op.create_table(
        "network_calibration",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("certificate", sa.String(length=120), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("network_calibration", schema=None) as batch_op:
        batch_op.create_index("ix_network_calibration_device", ["device"], unique=False)

    op.create_table(
        "network_order",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("verb", sa.String(length=64), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(length=400), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("network_order", schema=None) as batch_op:
        for name in ("device", "state", "asked_at"):
            batch_op.create_index(f"ix_network_order_{name}", [name], unique=False)

    op.create_table(
        "network_happening",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("thing", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("lon", sa.Float(precision=53), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("picture", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("network_happening", schema=None) as batch_op:
        for name in ("device", "thing", "kind", "received"):
            batch_op.create_index(f"ix_network_happening_{name}", [name], unique=False)


def downgrade() -> None:
    for table in ("network_happening", "network_order", "network_calibration"):
        op.drop_table(table)
    with op.batch_alter_table("network_device", schema=None) as batch_op:
        batch_op.drop_index("network_device_by_address")
        batch_op.drop_index("ix_network_device_thing")
        for name in ("repair", "every", "settings", "thing", *(name for name, _ in TEXTS)):
            batch_op.drop_column(name)
