"""Streams that fail alone: what one of them cannot help is put aside, so that the others are read all the same.

A stream fails alone for a reason of its own: records or reports that cannot be read, a refusal that names it, a
permission that only it needs. Whatever stands against the source as a whole (the grant, the network, the provider's
limits, the shop) ends the collection, as does a failure of everything that was read.
"""

from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connectors.errors import Broken, ConnectorError, Reconnect, Retry, worst
from connectors.side_by_side import together

T = TypeVar("T")

#: What time may cure, of one stream alone.
_ITS_OWN_RETRIES = frozenset(
    {
        "bulk_pending",
        "document_expired",
        "file_changed",
        "file_growing",
        "moving_target",
        "not_report",
        "report_cancelled",
        "report_cut",
        "report_fatal",
        "report_pending",
    }
)
#: What neither time nor a new grant cures, of the source as a whole.
_THE_SOURCES = frozenset(
    {
        "access_refused",
        "account_malformed",
        "address_not_allowed",
        "address_refused",
        "bucket_malformed",
        "endpoint_unknown",
        "feeds_malformed",
        "folder_missing",
        "foreign_file",
        "handing_failed",
        "host_refused",
        "no_access",
        "no_marketplaces",
        "path_refused",
        "redirected",
        "region_unknown",
        "security_refused",
        "shop_inactive",
        "shop_locked",
        "shop_unknown",
        "subscription_lapsed",
        "too_many_files",
        "version_moved",
        "write_refused",
        "wrong_environment",
    }
)


@dataclass(frozen=True, slots=True)
class Aside:
    """Streams that could not be read, and why; what was handed on of them must not be loaded."""

    streams: tuple[str, ...]
    error: ConnectorError
    #: what people read, where these are no whole streams (one feed of several): "feed gl"
    label: str = ""
    #: False: these are parts of streams, whose other rows are loaded, and of which nothing was handed on
    whole: bool = True
    #: up to when they are complete, where the connector itself keeps that
    as_of: datetime | None = None


def own(error: ConnectorError) -> bool:
    """Whether an error is that of the stream alone that met it."""
    match error:
        case Reconnect():
            return error.code == "scope_missing"
        case Retry():
            return error.code in _ITS_OWN_RETRIES
        case Broken():
            return error.code not in _THE_SOURCES
        case _:
            return True


async def alone(streams: Sequence[str], reading: Awaitable[T]) -> T | Aside:
    """Read; return what stands against it when that is the streams' own."""
    try:
        return await reading
    except ConnectorError as error:
        if not own(error):
            raise
        return Aside(tuple(streams), error)


async def apart(readings: Iterable[tuple[Sequence[str], Awaitable[T]]]) -> tuple[list[T], list[Aside]]:
    """Read side by side; a reading that fails alone is put aside, any other failure stops all."""
    found = await together(alone(streams, reading) for streams, reading in readings)
    return [one for one in found if not isinstance(one, Aside)], [one for one in found if isinstance(one, Aside)]


def refuse_nothing(read: object, aside: Sequence[Aside], only: Collection[str]) -> None:
    """Raise the error that decides when nothing at all was read: then it is no matter of single streams.

    Where `only` streams that failed before were asked for, their failing again says nothing about the source.
    """
    if aside and not read and not only:
        raise worst([one.error for one in aside])
