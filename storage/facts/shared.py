"""Answers that can be shared with a channel: what they are about, never what they say."""

from dataclasses import dataclass
from enum import StrEnum


class Shareable(StrEnum):
    """What can be shared; the values are the kinds of the answers."""

    STATUS = "status"
    HISTORY = "history"
    WHY = "why"
    METRICS = "metrics"
    METRIC = "metric"


#: What is about one thing alone.
ALONE = frozenset({Shareable.WHY, Shareable.METRIC})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that can be given again."""

    kind: Shareable
    #: the sources that it is about; none: all
    source_ids: tuple[str, ...] = ()
    #: the one metric that it is about
    metric_id: str = ""
