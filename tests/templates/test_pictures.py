"""Pictures of mails: the same bytes for the same chart, and nothing in them but shapes, whatever things are called."""

import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings

from storage.facts.charts import ChartKind, Series
from templates.pictures import svg
from tests.templates import nasty
from tests.templates.test_charts import ROWS

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
#: everything that a picture of ours is made of
SHAPES = {SVG + name for name in ("svg", "defs", "style", "g", "path", "use", "clipPath", "rect")}


def breaches(document):
    """Return what could run, load or mislead in an SVG document; not well-formed is one of it."""
    if b"<!" in document or b"<?" in document:
        return ["a declaration or a remark"]
    try:
        elements = list(ET.fromstring(document).iter())
    except ET.ParseError as error:
        return [str(error)]
    found = [element.tag for element in elements if element.tag not in SHAPES]
    for element in elements:
        found += [name for name in element.attrib if name.lower().startswith("on")]
        values = [value for name, value in element.attrib.items() if name != LINK]
        found += [f"link {element.attrib[LINK]}" for _ in [0] if not element.attrib.get(LINK, "#").startswith("#")]
        found += [value for value in values if re.search(r"url\((?!#)|javascript:|https?:", value)]
        if element.tag == SVG + "style":
            found += re.findall(r"url|@import|http|expression", element.text or "")
        elif (element.text or "").strip():
            found.append(f"text {element.text}")
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(nasty.charts())
def test_any_chart_becomes_shapes_alone(chart):
    assert breaches(svg(chart)) == []


def test_the_same_chart_is_the_same_bytes():
    several = (Series("A $x^2$", (Decimal(1), None, Decimal(3))), Series("日本 <script>", (Decimal(0),) * 3))
    line = replace(ROWS, kind=ChartKind.AREA, series=several)
    first = svg(line)
    svg(ROWS)
    assert svg(line) == first
    assert b"prefers-color-scheme: dark" in first


def test_the_look_finds_what_must_not_be_there():
    """The broken twins: a picture that puts names into itself."""
    plain = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
    for inside in (
        "<script>alert(1)</script>", "<g>Smith & Sons</g>", "<foreignObject/>", '<g onload="x"/>', "<g>words</g>",
        '<use xlink:href="https://evil.example/x"/>', '<path style="fill: url(https://evil.example)"/>', "<!-- x -->",
        "<style>@import 'x'</style>",
    ):  # fmt: skip
        assert breaches(plain.format(inside).encode()), inside
    assert breaches(plain.format('<use xlink:href="#a"/>').encode()) == []
