"""Drawing with matplotlib: the figure itself, without windows, screens or files."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any

from storage.facts.charts import Chart, ChartKind
from templates.charts import drawable
from templates.pictures.colours import DARK, GRID, INK, PAPER, SERIES, SOFT
from templates.text import label, shorten


def _matplotlib() -> Any:
    """Return matplotlib, which writes its list of fonts into a folder of this process alone."""
    if "MPLCONFIGDIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="tidings-pictures-")
        os.environ["MPLCONFIGDIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    import matplotlib as mpl

    return mpl


#: Inches at 72 to the inch; mails are 580 wide.
_WIDTH, _NARROW, _HEIGHT = 7.4, 4.5, 3.5
_RULES = {
    "svg.fonttype": "path",
    "svg.hashsalt": "tidings",
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.unicode_minus": True,
    "path.simplify": True,
}
_NOTHING = dict.fromkeys(("Creator", "Date", "Format", "Type"))
#: Longest texts in a picture.
_AXIS, _NAME, _CATEGORY = 50, 30, 20
#: Letters that have room below a picture, and categories that are all written, shortened to that; of more every
#: second, third, … is.
_ROOM, _NARROW_ROOM, _ALL = 80, 44, 5
_MARKERS = "osD^vP"
_MOST_SERIES, _MOST_POINTS = 6, 60


def draw(chart: Chart, *, narrow: bool = False) -> bytes:
    """Return the SVG document of a chart; `narrow` for the screen of a phone, where its words stay as large."""
    library = _matplotlib()
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with library.rc_context(_RULES):
        figure = Figure(figsize=(_NARROW if narrow else _WIDTH, _HEIGHT), facecolor=PAPER, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot(facecolor=PAPER)
        _lines(figure, axes, chart, _NARROW_ROOM if narrow else _ROOM)
        _frame(axes, chart)
        written = BytesIO()
        figure.savefig(written, format="svg", facecolor=PAPER, metadata=_NOTHING)
    return _own(written.getvalue())


def _lines(figure: Any, axes: Any, chart: Chart, room: int) -> None:
    last = len(chart.categories) - _MOST_POINTS
    places = [place for place in range(len(chart.categories)) if place >= last]
    shown = chart.series[:_MOST_SERIES]
    wide = 0.72 / max(1, len(shown))
    for number, series in enumerate(shown):
        values = [series.values[place] for place in places]
        heights = [float(value) if value is not None and drawable(value) else float("nan") for value in values]
        colour, name = SERIES[number], _words(series.name, _NAME)
        at = range(len(heights))
        if chart.kind is ChartKind.BAR:
            shifted = [place + (number - (len(shown) - 1) / 2) * wide for place in at]
            axes.bar(shifted, heights, wide * 0.92, color=colour, label=name)
            continue
        axes.plot(at, heights, color=colour, linewidth=2, marker=_MARKERS[number], markersize=5, label=name)
        if chart.kind is ChartKind.AREA:
            axes.fill_between(at, heights, color=colour, alpha=0.18, linewidth=0)
    _categories(axes, [chart.categories[place] for place in places], room)
    if len(shown) > 1:
        figure.legend(frameon=False, labelcolor=INK, fontsize=10, ncols=3, loc="outside upper left")


def _categories(axes: Any, names: Sequence[str], room: int) -> None:
    shown = [_words(name, _CATEGORY) for name in names]
    if len(names) <= _ALL:
        shown, step = [shorten(name, room // max(1, len(names)) - 2) for name in shown], 1
    else:
        step = -(-len(names) * (max(map(len, shown)) + 2) // room)
    # Counted from the newest, which is the one that people look for.
    kept = [place for place in range(len(names)) if (len(names) - 1 - place) % step == 0]
    axes.set_xticks(kept, [shown[place] for place in kept])
    axes.set_xlim(-0.6, max(1, len(names)) - 0.4)


def _frame(axes: Any, chart: Chart) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel(_words(chart.x_label, _AXIS), color=SOFT, fontsize=10)
    axes.set_ylabel(_words(chart.y_label, _AXIS), color=SOFT, fontsize=10)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.tick_params(colors=SOFT, labelsize=10, length=0)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    low, high = axes.get_ylim()
    # A part of an axis makes small changes look big.
    axes.set_ylim(min(0.0, low), max(0.0, high * 1.04))


def _tick(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e12 else f"{value:.3g}"


def _words(text: str, limit: int) -> str:
    """Return words with letters that the font of the picture has; a box stands for each other one."""
    known = _letters()
    return "".join(one if ord(one) in known else "\u25a1" for one in shorten(label(text), limit))


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _own(written: bytes) -> bytes:
    """Return the document without what only matplotlib put there: its address of a grammar, and remarks."""
    text = written.decode("utf-8")
    text = re.sub(r"<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("</svg>", f"<style>{DARK}</style></svg>", 1).encode()
