"""This package is where the database's schema changes from version to version (Alembic)."""
