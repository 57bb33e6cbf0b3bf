"""The markdown block: headings, lists, emphasis, code, links and tables; HTML in it is text."""

import re

from markupsafe import Markup, escape

from sandbox.web.draw.emoji import EMOJI
from sandbox.web.draw.mrkdwn import link

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ITEM = re.compile(r"(?:[-*+]|(\d+)[.)]) +(.*)")
_EMPHASIS = (
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\w)[*_](?=\S)([^*_]+?)(?<=\S)[*_](?!\w)"), r"<em>\1</em>"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"<s>\1</s>"),
)


def markdown(text: str) -> Markup:
    """Draw a markdown text."""
    drawn = [_paragraph(part.split("\n")) for part in re.split(r"\n\s*\n", text.strip())]
    return Markup("".join(drawn))  # noqa: S704 - every piece was escaped


def _paragraph(lines: list[str]) -> str:
    if lines[0].startswith("```"):
        return f"<pre>{escape(chr(10).join(line for line in lines if not line.startswith('```')))}</pre>"
    if all(_ITEM.match(line.strip()) for line in lines):
        return _list(lines)
    if len(lines) > 1 and lines[0].startswith("|") and set(lines[1]) <= set("|:- "):
        return _table(lines)
    heading = _HEADING.match(lines[0])
    if heading:
        size = min(len(heading[1]) + 2, 6)
        rest = _paragraph(lines[1:]) if lines[1:] else ""
        return f"<h{size}>{_inline(heading[2])}</h{size}>{rest}"
    return f"<p>{'<br>'.join(_inline(line) for line in lines)}</p>"


def _list(lines: list[str]) -> str:
    items = [found for line in lines if (found := _ITEM.match(line.strip()))]
    tag = "ol" if items[0][1] else "ul"
    return f"<{tag}>{''.join(f'<li>{_inline(item[2])}</li>' for item in items)}</{tag}>"


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows[2:])
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _inline(text: str) -> str:
    """Return one line of escaped HTML with its emphasis, code and links."""
    kept: list[str] = []

    def keep(drawn: str) -> str:
        kept.append(drawn)
        return f"\ue000{len(kept) - 1}\ue001"

    clean = text.replace("\ue000", "").replace("\ue001", "")
    clean = re.sub(r"`([^`]+)`", lambda found: keep(f"<code>{escape(found[1])}</code>"), clean)
    clean = _LINK.sub(lambda found: keep(link(found[2], found[1])), clean)
    shown = str(escape(clean))
    for pattern, replacement in _EMPHASIS:
        shown = pattern.sub(replacement, shown)
    shown = re.sub(r":([a-z0-9_+-]+):", lambda found: EMOJI.get(found[1], found[0]), shown)
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], shown)
