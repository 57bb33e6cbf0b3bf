"""The text part of a mail: the same words, readable in any program."""

from collections.abc import Iterable, Sequence

from storage.facts.charts import Chart
from storage.facts.messages import (
    Buttons,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Steps,
    Table,
    Thumbs,
)
from templates.charts import as_table
from templates.mail.inline import address, text, words
from templates.mail.shape import MOST_ROWS, SIGNS, more_rows, spoken


def text_part(message: Message, zone: str) -> str:
    """Return the whole message as plain text; the summary where there are no parts."""
    blocks = [_part(part, zone) for part in message.parts]
    filled = [block for block in blocks if block] or [words(message.summary)]
    return "\n\n".join(filled) + "\n"


def _part(part: Part, zone: str) -> str:
    match part:
        case Heading():
            title = words(part.text).strip()
            return f"{title}\n{'=' * min(len(title), 72)}"
        case Paragraph():
            return "\n".join(text(line, zone) for line in (part.parts, *part.under))
        case Note():
            return text(part.parts, zone)
        case Facts():
            return "\n".join(f"{words(label)}: {text(value, zone)}" for label, value in part.rows)
        case Steps():
            return "\n".join(_line(SIGNS[step.state], words(step.title), step.detail, zone) for step in part.steps)
        case _:
            return _other(part, zone)


def _line(sign: str, title: str, detail: Sequence[Inline], zone: str) -> str:
    return f"{sign} {title}" + (f": {text(detail, zone)}" if detail else "")


def _other(part: Table | Chart | Buttons | Thumbs | Rule, zone: str) -> str:
    if isinstance(part, Thumbs):
        return ""
    if isinstance(part, Chart):
        said = f"{words(part.title)}: {words(part.alt)}"
        return said if part.told else "\n".join([said, *_table(as_table(part), zone)])
    if isinstance(part, Rule):
        return "-" * 40
    if isinstance(part, Buttons):
        links = [f"{words(button.text)}: {address(button.url)}" for button in part.buttons if button.url]
        return "\n".join([*links, *filter(None, [spoken(part.buttons)])])
    return "\n".join(_table(part, zone))


def _table(part: Table, zone: str) -> Iterable[str]:
    yield f"{words(part.caption)}:"
    names = [words(name) for name in part.columns]
    for row in part.rows[:MOST_ROWS]:
        cells = [text(cell, zone) for cell in row]
        rest = ", ".join(f"{name}: {cell}" for name, cell in zip(names[1:], cells[1:], strict=False))
        yield f"- {cells[0] if cells else '–'}" + (f" ({rest})" if rest else "")
    if hidden := more_rows(len(part.rows)):
        yield hidden
