"""Column types of ours: instants that keep their zone, enums by value, JSON text."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.facts.clock import aware

_TEXT_LENGTH = 32


class Instant(TypeDecorator[datetime]):
    """An aware datetime. SQLite drops zones silently, so there it is text in UTC of one length, which sorts as time.

    A datetime without a zone is refused with ValueError.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text for SQLite, TIMESTAMP WITH TIME ZONE elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(_TEXT_LENGTH))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn the instant into what the database keeps."""
        if value is None:
            return None
        instant = aware(value)
        return instant.isoformat(timespec="microseconds") if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn what the database keeps into an instant in UTC."""
        if value is None:
            return None
        if isinstance(value, str):
            return aware(datetime.fromisoformat(value))
        return aware(value) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
