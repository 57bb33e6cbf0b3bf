"""Fields of records that nobody here knows: looked for in every record of few, and in some of many."""

import contextlib
from collections.abc import Collection, Sequence

import msgspec

from connectors.decode import Record

#: records of one batch that are looked at
_SOME = 200
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def strangers(pages: Sequence[Sequence[Record]], known: Collection[str]) -> set[str]:
    """Return the names of unknown fields, of the records themselves and not of what is in them."""
    step = -(-sum(map(len, pages)) // _SOME) or 1
    found: set[str] = set()
    for page in pages:
        for record in page[::step]:
            # What the columns could be read from need not be whole for this reader; it says nothing of fields then.
            with contextlib.suppress(msgspec.MsgspecError, RecursionError):
                found.update(_FIELDS.decode(record))
    return found.difference(known)
