"""What every way of showing a chart needs: its points as a table, and which of them can be drawn."""

from decimal import Decimal

from storage.facts.charts import Chart
from storage.facts.messages import Table
from templates.text import figure

#: Further out nothing is an amount, and a picture of it would show nothing else.
_FARTHEST = Decimal("1e30")


def as_table(part: Chart) -> Table:
    """Return the points as rows, the oldest first; a point without a value as a dash."""
    columns = (part.x_label, *(one.name for one in part.series))
    rows = tuple(
        ((name,), *((figure(one.values[place]),) for one in part.series)) for place, name in enumerate(part.categories)
    )
    caption = f"{part.title} ({part.y_label})" if part.y_label else part.title
    return Table(caption, columns, rows, frozenset(range(1, len(columns))))


def drawable(value: Decimal | None) -> bool:
    """Whether a point can be drawn; what has no value is left out, since a zero would be a lie."""
    return value is not None and value.is_finite() and abs(value) < _FARTHEST
