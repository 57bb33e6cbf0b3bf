"""Words that come while a refresh goes on."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class BeatKind(StrEnum):
    """Why there is a word now."""

    #: half of the last runs were over by then
    HALF = "half"
    #: nine in ten were
    LONG = "long"
    #: another hour is over
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class Beat:
    """One word, so long after the request."""

    kind: BeatKind
    after: timedelta

    @property
    def name(self) -> str:
        """The same for the same word: it is said once."""
        return self.kind.value if self.kind is not BeatKind.HOUR else f"hour{self.after // timedelta(hours=1)}"
