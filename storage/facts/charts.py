"""A picture of numbers, before anybody decides how it is drawn: in Slack, in a mail, or as a table."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ChartKind(StrEnum):
    """How numbers are drawn."""

    #: amounts that are compared one by one
    BAR = "bar"
    #: how one thing moves
    LINE = "line"
    #: how one thing moves, where what lies below it counts as well
    AREA = "area"


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or the bars of one colour; a point per category. None: there is no value, which is not zero."""

    name: str
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with everything that its place may need instead of it. ValueError where the points do not fit."""

    title: str
    kind: ChartKind
    #: what the points are about, the oldest first
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    #: what the categories are, and in which unit the values are
    x_label: str
    y_label: str
    #: the picture in one sentence, for those who do not see it
    alt: str
    #: the values stand in a table of the same message, so that none is made of them
    told: bool = False

    def __post_init__(self) -> None:
        """Refuse points that stand for no category."""
        if any(len(one.values) != len(self.categories) for one in self.series):
            raise ValueError("a series needs one point per category")
