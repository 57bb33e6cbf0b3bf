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
    METRIC_WHY = "metric_why"


#: What is about one thing alone.
ALONE = frozenset({Shareable.WHY, Shareable.METRIC, Shareable.METRIC_WHY})
#: What is about one metric.
OF_METRIC = frozenset({Shareable.METRIC, Shareable.METRIC_WHY})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that can be given again."""

    kind: Shareable
    #: the sources that it is about; none: all
    source_ids: tuple[str, ...] = ()
    #: the one metric that it is about
    metric_id: str = ""
