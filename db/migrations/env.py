"""Alembic's entry: runs the migrations on the connection that ``db.upgrade`` hands over.

The connection already is in a transaction that has locked out every other writer, and all
migrations run inside it: they are done together or not at all.
"""

from __future__ import annotations

from alembic import context

from db.tables import metadata
from db.upgrade import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
