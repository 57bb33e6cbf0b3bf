"""Time is an argument: everything that asks for the time asks a Clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; the only source of both."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for that many real seconds."""
        # Imported here: a process that only has instants starts a tenth of a second sooner.
        import asyncio

        await asyncio.sleep(seconds)


@dataclass
class OffsetClock:
    """The real time moved by an offset; the demo and tests use it to let three hours pass in a moment."""

    offset: timedelta = timedelta(0)
    base: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """Return the moved instant, aware, in UTC."""
        return self.base() + self.offset

    async def sleep(self, seconds: float) -> None:
        """Wait for that many real seconds; the offset does not shorten waiting."""
        import asyncio

        await asyncio.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        """Let time pass at once."""
        self.offset += by


def aware(value: datetime) -> datetime:
    """Return the instant in UTC; refuse one without a zone (ValueError), since it names no instant."""
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone names no instant: {value!r}")
    return value.astimezone(UTC)
