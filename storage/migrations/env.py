"""Alembic's entry: migrates our tables only, on the connection that storage.migrate hands over."""

from typing import Any, Literal

from alembic import context

from storage.tables import metadata
from storage.tables.columns import Instant


def _render(type_: str, item: Any, _context: Any) -> str | Literal[False]:
    if type_ != "type":
        return False
    if isinstance(item, Instant):
        return "Instant()"
    return "sa.String()" if type(item).__name__ == "AutoString" else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="tidings_version",
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
    include_name=lambda name, type_, _parents: type_ != "table" or name in metadata.tables,
)
with context.begin_transaction():
    context.run_migrations()
