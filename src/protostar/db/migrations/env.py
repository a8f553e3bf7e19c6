"""Run by Alembic for every command; `protostar.db.migrate` hands it the open connection."""

from alembic import context

settings = context.config.attributes
context.configure(connection=settings["connection"], target_metadata=settings.get("metadata"), transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
