"""Blocks to HTML, by the macros of `blocks.html.j2`."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from sandbox.web.draw.charts import chart
from sandbox.web.draw.context import DrawContext
from sandbox.web.draw.markdown import markdown
from sandbox.web.draw.mrkdwn import mrkdwn, plain
from sandbox.web.draw.rich import rich_text

_Json = dict[str, Any]
_TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def environment() -> Environment:
    """Return the templates, escaping everything by default."""
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


class Pen:
    """What the macros call back: text formats, and the note of what could not be drawn."""

    def __init__(self, context: DrawContext) -> None:
        self.context = context
        self.red: list[str] = []

    def text(self, value: _Json) -> Markup:
        """Draw a text object."""
        if value.get("type") == "mrkdwn":
            return mrkdwn(value["text"], self.context)
        return plain(value["text"])

    def rich(self, block: _Json) -> Markup:
        """Draw rich text."""
        return rich_text(block, self.context, self.unknown)

    def markdown(self, text: str) -> Markup:
        """Draw a markdown text."""
        return markdown(text)

    def cell(self, cell: _Json) -> Markup:
        """Draw a cell of a table."""
        if cell.get("type") == "rich_text":
            return self.rich(cell)
        return plain(str(cell.get("text", "")))

    def chart(self, block: _Json) -> Markup:
        """Draw a chart."""
        return chart(block)

    def unknown(self, what: str) -> Markup:
        """Draw what is not known in red, and note it."""
        self.red.append(f"cannot draw {what}")
        return Markup('<span class="undrawn">cannot draw: {}</span>').format(what)


def draw(blocks: list[_Json], context: DrawContext) -> Markup:
    """Draw blocks for a viewer."""
    return _draw(blocks, Pen(context))


def undrawable(blocks: list[_Json], surface: str) -> list[str]:
    """Return a description of each thing in these blocks that this page draws red."""
    pen = Pen(DrawContext(where={"surface": surface}))
    _draw(blocks, pen)
    return pen.red


def _draw(blocks: list[_Json], pen: Pen) -> Markup:
    macros: Any = environment().get_template("blocks.html.j2").module
    return Markup("").join(macros.block(block, pen) for block in blocks)
