"""Going back behind what was read: cursors from which chosen streams are read again."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from connectors.base import mark


def rewound(
    cursors: Mapping[str, str], streams: Collection[str], since: datetime | None, now: datetime
) -> dict[str, str]:
    """Return the cursors for reading some streams again (none: all), from an instant on or whole.

    More may be read again than was asked for, never less: a stream without a cursor of its own is read with all others,
    and what cannot go back to the instant (a file, a report, more than 30 days) is read whole.
    """
    chosen = set(streams) if streams and set(streams) <= set(cursors) else set(cursors)
    kept = {name: text for name, text in cursors.items() if name not in chosen}
    for name in chosen & set(cursors):
        known = mark(cursors[name], now)
        if known is not None and since is not None:
            kept[name] = str(replace(known, read_to=min(known.read_to, since)))
    return kept
