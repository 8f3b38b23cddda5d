"""Alembic's entry: runs the scripts on the connection that `leadtui.store.migrate` hands over."""

from alembic import context

from leadtui.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
context.run_migrations()
