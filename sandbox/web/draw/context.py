"""For whom something is drawn: names, and the zone of times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class DrawContext:
    """What the drawing needs to know of the viewer and the world."""

    #: user id -> shown name
    people: Mapping[str, str] = field(default_factory=dict)
    #: channel id -> name without #
    channels: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    #: where an element's form is posted; empty: elements are drawn without effect
    action: str = ""
    #: hidden fields that say which message or view an element stands in
    where: Mapping[str, str] = field(default_factory=dict)
    #: what the app said about a submission, by block_id
    errors: Mapping[str, str] = field(default_factory=dict)
    #: what was filled in before, by block_id
    filled: Mapping[str, object] = field(default_factory=dict)
