"""How QuickBooks writes amounts and times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

#: A record as the API returns it; amounts are Decimal or int, ids are text.
Record = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: object) -> bytes:
    """Return JSON with Decimals as plain numbers."""
    return _ENCODER.encode(value)


def decode(data: bytes) -> Any:
    """Read JSON with amounts as Decimal (integers stay int)."""
    return _DECODER.decode(data)


def amount(cents: int) -> Decimal:
    """Return an amount as QuickBooks prints it: 75.0, 81.1, 81.15."""
    if cents % 100 == 0:
        return Decimal(f"{cents // 100}.0")
    return Decimal(cents) / 100


def cents(value: Decimal | int | str | None) -> int:
    """Return an amount in cents; nothing counts as zero."""
    return 0 if value is None else int((Decimal(value) * 100).to_integral_value())


def stamp(epoch: int, zone: ZoneInfo) -> str:
    """Write an instant with the company's offset, to the second."""
    return datetime.fromtimestamp(epoch, zone).isoformat()


def instant(text: str, zone: ZoneInfo) -> int:
    """Read an instant; without an offset it is the company's local time. Raises ValueError."""
    value = datetime.fromisoformat(text)
    return int((value if value.tzinfo else value.replace(tzinfo=zone)).timestamp())


def day(epoch: int, zone: ZoneInfo) -> str:
    """Return the company's local date of an instant."""
    return datetime.fromtimestamp(epoch, zone).date().isoformat()


def now_text(now: datetime, zone: ZoneInfo) -> str:
    """Write the time of an answer, in milliseconds with offset."""
    return now.astimezone(UTC).astimezone(zone).isoformat(timespec="milliseconds")


def ref(value: str, name: str | None = None) -> dict[str, str]:
    """Return a reference to another record."""
    return {"value": value} if name is None else {"value": value, "name": name}


def referred(record: Mapping[str, Any], field: str) -> str:
    """Return the id that a reference names, or ''."""
    found = record.get(field)
    return str(found.get("value", "")) if isinstance(found, Mapping) else ""
