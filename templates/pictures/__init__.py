"""Charts as SVG, for mails and pages; the library is loaded when the first one is drawn.

Call it in a thread: the first picture of a process takes about a second, each further one some hundredths.
"""

from functools import lru_cache
from threading import Lock

from storage.facts.charts import Chart

_ONE_AT_A_TIME = Lock()
#: Pictures that are kept for the next reader of the same message; each has some 30 kB.
_KEPT = 64


@lru_cache(maxsize=_KEPT)
def svg(chart: Chart, *, narrow: bool = False) -> bytes:
    """Return a chart as an SVG document: the same bytes for the same chart, nothing in it that runs or loads.

    Letters are outlines, so that it looks the same in every program and no words of people stand in it as text. Its
    colours follow the reader's dark mode where the program lets them. `narrow`: for the screen of a phone.
    """
    with _ONE_AT_A_TIME:
        from templates.pictures.drawing import draw

        return draw(chart, narrow=narrow)
