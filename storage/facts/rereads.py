"""Reading again what is there already."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reread:
    """What a run reads once more from the provider, however far it had come; everything else is read as always."""

    #: names of streams; none: all of the source
    streams: tuple[str, ...] = ()
    #: only what changed at the provider since then; None: everything
    since: datetime | None = None
    #: when it was asked for: what the provider wrote down before is not read
    asked_at: datetime | None = field(default=None, compare=False)
