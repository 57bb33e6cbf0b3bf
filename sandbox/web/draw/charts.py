"""`data_visualization` as an SVG picture: plain bars and lines, enough to judge what a chart says."""

from typing import Any

from markupsafe import Markup

_Json = dict[str, Any]
_WIDTH, _HEIGHT, _LEFT, _TOP, _LOW = 560, 214, 56, 10, 176
_COLOURS = ("#1264a3", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_TEXT = Markup('<text x="{x:.1f}" y="{y:.1f}" class="chart-{role}">{words}</text>')
_LABELS = 6
#: Room for half of the last label.
_BESIDE = 24
#: Room for one sign of a level, and from which span on levels have no places.
_SIGN, _WHOLE = 7, 100


def chart(block: _Json) -> Markup:
    """Draw the chart of a block; a pie as its list of amounts."""
    drawn = block["chart"]
    if drawn["type"] == "pie":
        items = [Markup("<li>{}: {}</li>").format(one["label"], one["value"]) for one in drawn["segments"]]
        inside = Markup("<ul>{}</ul>").format(Markup().join(items))
    else:
        inside = _axes(drawn) + _legend(drawn)
    return Markup('<figure class="chart"><figcaption>{}</figcaption>{}</figure>').format(block["title"], inside)


def _legend(drawn: _Json) -> Markup:
    names = [one["name"] for one in drawn["series"]]
    marks = Markup('<span class="chart-key" style="background:{}"></span>{} ')
    entries = [marks.format(_COLOURS[at % len(_COLOURS)], name) for at, name in enumerate(names)]
    return Markup('<p class="chart-legend">{}</p>').format(Markup().join(entries))


def _axes(drawn: _Json) -> Markup:
    values = [float(point["value"]) for one in drawn["series"] for point in one["data"]]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0

    def height(value: float) -> float:
        return _LOW - (value - low) / span * (_LOW - _TOP)

    names = drawn["axis_config"]["categories"]
    wide = (_WIDTH - _LEFT) / len(names)
    levels = {level: f"{level:,.0f}" if span >= _WHOLE else f"{level:,.6g}" for level in (low, (low + high) / 2, high)}
    out = [_grid(height(level), words) for level, words in levels.items()]
    step = -(-len(names) // _LABELS)
    kept = [at for at in range(len(names)) if (len(names) - 1 - at) % step == 0]
    out += [_TEXT.format(x=_LEFT + (at + 0.5) * wide, y=_LOW + 16, role="label", words=names[at]) for at in kept]
    out.append(_TEXT.format(x=_LEFT + (_WIDTH - _LEFT) / 2, y=_HEIGHT - 5, role="label",
                            words=drawn["axis_config"].get("x_label", "")))  # fmt: skip
    for number, one in enumerate(drawn["series"]):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [float(point["value"]) for point in one["data"]]
        if drawn["type"] == "bar":
            share = wide * 0.7 / len(drawn["series"])
            at = [_LEFT + place * wide + wide * 0.15 + number * share for place in range(len(points))]
            out += [
                _bar(x, share * 0.92, height(value), height(0.0), colour) for x, value in zip(at, points, strict=True)
            ]
        else:
            way = " ".join(f"{_LEFT + (at + 0.5) * wide:.1f},{height(value):.1f}" for at, value in enumerate(points))
            line = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>')
            out.append(line.format(way, colour))
    unit = drawn["axis_config"].get("y_label", "")
    # A minus that is cut off makes a loss a gain.
    more = max(0, _SIGN * max(map(len, levels.values())) + 6 - _LEFT)
    picture = Markup('<p class="chart-unit">{}</p><svg viewBox="{} 0 {} {}" role="img">{}</svg>')
    return picture.format(unit, -more, _WIDTH + _BESIDE + more, _HEIGHT, Markup().join(out))


def _grid(y: float, words: str) -> Markup:
    line = Markup('<line x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}" class="chart-grid"/>').format(_LEFT, _WIDTH, y=y)
    return line + _TEXT.format(x=_LEFT - 6, y=y + 4, role="level", words=words)


def _bar(x: float, wide: float, top: float, foot: float, colour: str) -> Markup:
    bar = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>')
    return bar.format(x, min(top, foot), wide, abs(foot - top), colour)
