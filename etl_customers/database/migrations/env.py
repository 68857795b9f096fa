"""What Alembic runs for each command: it works on the connection that ``run.py`` hands over."""

from alembic import context

from etl_customers.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
