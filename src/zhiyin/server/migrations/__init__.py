"""Alembic migrations of the operations store."""
