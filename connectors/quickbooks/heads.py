"""What is read of a record before it is decoded: its id, and when it was made."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from connectors.decode import Record
from connectors.errors import Broken


class _MetaData(msgspec.Struct, rename="pascal"):
    create_time: datetime | None = None


class _Made(msgspec.Struct, rename="pascal"):
    meta_data: _MetaData | None = None


class _Key(msgspec.Struct, rename="pascal"):
    id: str


_MADE = msgspec.json.Decoder(_Made)
_KEY = msgspec.json.Decoder(_Key)


def keys_of(records: Iterable[Record]) -> list[str]:
    """Return the records' ids; Broken where one has none."""
    try:
        return [_KEY.decode(record).id for record in records]
    except msgspec.MsgspecError as error:
        raise Broken("QuickBooks sent a record without an id", code="record_unreadable") from error


def made_since(record: Record, moment: datetime) -> bool:
    """Whether the record says that it was made then or later."""
    try:
        data = _MADE.decode(record).meta_data
    except msgspec.MsgspecError:
        return False
    made = data.create_time if data else None
    return made is not None and made.tzinfo is not None and made >= moment
