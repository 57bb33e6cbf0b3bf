"""Charts: drawn by Slack where the workspace takes the block, else as a table or in words."""

from collections.abc import Sequence
from decimal import Decimal

from storage.facts.charts import Chart
from templates.charts import as_table, drawable
from templates.slack import limits
from templates.slack.inline import Reader, mrkdwn, plain
from templates.slack.limits import Rung
from templates.slack.room import Block, Room, context, weight
from templates.slack.tables import table
from templates.text import listed, shorten, size

#: A chart with fewer points than this tells less than its sentence.
_LEAST_POINTS = 2


def chart(part: Chart, rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Return the chart with its sentence below, or what stands for it: a table, or the sentence where one is there."""
    drawn = _native(part) if rung is Rung.NATIVE and room.blocks > 1 else None
    said = _said(part, reader, drawn=drawn is not None)
    if drawn is not None and weight([drawn, said]) <= room.chars:
        return [drawn, said]
    if part.told:
        return [said] if weight(said) <= room.chars else []
    below = Room(room.chars - weight(said), room.blocks - 1)
    # A second table of a message would be refused: where this was to be a picture, nobody counted a table.
    lower = Rung.FIELDS if rung is Rung.NATIVE else rung
    return [*table(as_table(part), lower, reader, below), said] if below.chars > 0 else []


def _said(part: Chart, reader: Reader, *, drawn: bool) -> Block:
    """Return the picture in words, and which points it could not show."""
    words = part.alt
    if drawn:
        known, left = _points(part)
        gaps = [name for place, name in enumerate(part.categories[left:]) if left + place not in known]
        older = f" The {left} oldest are not drawn." if left else ""
        words += older + (f" Without a value: {listed(gaps)}." if gaps else "")
    return context(mrkdwn((words,), reader, limits.CONTEXT).strip() or "–")


def _points(part: Chart) -> tuple[list[int], int]:
    """Return the places that can be drawn, and how many older ones find no room.

    Slack takes no gaps: a category without a value in some series is left out, since a zero would be a lie.
    """
    whole = range(len(part.categories))
    left = max(0, len(part.categories) - limits.CHART_CATEGORIES)
    series = part.series[: limits.CHART_SERIES]
    return [place for place in whole if place >= left and all(drawable(one.values[place]) for one in series)], left


def _native(part: Chart) -> Block | None:
    """Return Slack's block; None where it would refuse or nobody could read it."""
    places, _ = _points(part)
    if len(places) < _LEAST_POINTS or not part.series or len(part.series) > limits.CHART_SERIES:
        return None
    names = _unique([part.categories[place] for place in places], limits.CHART_LABEL)
    lines = [
        {"name": name, "data": [{"label": at, "value": _number(one.values[place])} for at, place in points]}
        for name, one in zip(_unique([one.name for one in part.series], limits.CHART_LABEL), part.series, strict=True)
        for points in [list(zip(names, places, strict=True))]
    ]
    axes = {"categories": names, "x_label": _axis(part.x_label), "y_label": _axis(part.y_label)}
    title = plain(part.title, limits.CHART_TITLE)
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {"type": part.kind.value, "series": lines, "axis_config": axes},
    }


def _axis(text: str) -> str:
    return plain(text, limits.CHART_AXIS)


def _number(value: Decimal | None) -> int | float:
    """Return a value as JSON's number: a picture is not read to the last cent; the table below it is."""
    assert value is not None
    return int(value) if value == value.to_integral_value() and abs(value) < 1 << 53 else float(value)


def _unique(texts: Sequence[str], limit: int) -> list[str]:
    """Return the texts, short enough and each another: Slack takes no name twice."""
    found: list[str] = []
    for text in texts:
        short, count = plain(text, limit), 1
        while short in found:
            count += 1
            end = f" ({count})"
            short = shorten(plain(text, limit), limit - size(end)) + end
        found.append(short)
    return found
