"""Slack's own text format to HTML; everything that is not format is escaped."""

import html
import re
from collections.abc import Callable
from functools import partial

from markupsafe import Markup, escape

from sandbox.web.draw.context import DrawContext
from sandbox.web.draw.dates import date_words
from sandbox.web.draw.emoji import DRAWN, EMOJI
from sandbox.web.draw.tokens import Token, split

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
#: Something set aside while the rest is formatted; private-use characters, stripped from what comes in.
_KEPT = re.compile("\ue000(\\d+)\ue001")
_EMOJI = re.compile(r":([a-z0-9_+-]+):")
_EDGE = r"(?<![A-Za-z0-9])"
_STYLES = tuple(
    (re.compile(rf"{_EDGE}{sign}(?=\S)([^{sign}\n]+?)(?<=\S){sign}(?![A-Za-z0-9])"), rf"<{tag}>\1</{tag}>")
    for sign, tag in ((r"\*", "strong"), ("_", "em"), ("~", "s"))
)


def mrkdwn(text: str, context: DrawContext) -> Markup:
    """Draw a mrkdwn text."""
    kept: list[str] = []
    clean = text.replace("\ue000", "").replace("\ue001", "")
    clean = _FENCE.sub(lambda found: _keep(kept, f"<pre>{_literal(found[1])}</pre>"), clean)
    clean = _CODE.sub(lambda found: _keep(kept, f"<code>{_literal(found[1])}</code>"), clean)
    pieces = [_keep(kept, _token(piece, context)) if isinstance(piece, Token) else piece for piece in split(clean)]
    lines = "".join(pieces).split("\n")
    body = "".join(_quoted(lines))
    return Markup(_KEPT.sub(lambda found: kept[int(found[1])], body))  # noqa: S704 - every piece was escaped


def plain(text: str) -> Markup:
    """Draw a plain text: emoji names and line ends, nothing else."""
    shown = _EMOJI.sub(lambda found: EMOJI.get(found[1], found[0]), str(escape(text)))
    return Markup(shown.replace("\n", "<br>"))  # noqa: S704 - escaped above


def inline(text: str) -> str:
    """Return one line of escaped HTML with its bold, italic, struck words and emoji."""
    shown = str(escape(html.unescape(text)))
    for pattern, replacement in _STYLES:
        shown = pattern.sub(replacement, shown)
    return _EMOJI.sub(lambda found: DRAWN.get(found[1]) or EMOJI.get(found[1], found[0]), shown)


def link(url: str, label: str) -> str:
    """Return a link, or only its words when the address is not one that a browser may open."""
    if not url.startswith(("https://", "http://", "mailto:", "tel:")):
        return str(escape(label))
    return f'<a href="{escape(url)}" rel="noreferrer noopener" target="_blank">{escape(label)}</a>'


def _keep(kept: list[str], drawn: str) -> str:
    kept.append(drawn)
    return f"\ue000{len(kept) - 1}\ue001"


def _literal(text: str) -> str:
    return str(escape(html.unescape(text)))


def _quoted(lines: list[str]) -> list[str]:
    """Join lines, those that begin with `>` inside a quotation."""
    drawn: list[str] = []
    quoting = False
    for line in lines:
        quote = line.startswith((">", "&gt;"))
        if quote != quoting:
            drawn.append("<blockquote>" if quote else "</blockquote>")
        elif drawn:
            drawn.append("<br>")
        drawn.append(inline(re.sub(r"^(>|&gt;) ?", "", line) if quote else line))
        quoting = quote
    return [*drawn, "</blockquote>"] if quoting else drawn


def _token(token: Token, context: DrawContext) -> str:
    draw = _TOKENS.get(token.kind or "")
    return draw(token, context) if draw else str(escape(f"<{token.raw}>"))


def _mention(token: Token, context: DrawContext) -> str:
    return f'<span class="mention">@{escape(context.people.get(token.target, token.label or token.target))}</span>'


def _channel(token: Token, context: DrawContext) -> str:
    return f'<span class="mention">#{escape(context.channels.get(token.target, token.label or token.target))}</span>'


def _ping(token: Token, _: DrawContext, sign: str = "@") -> str:
    return f'<span class="mention ping">{sign}{escape(token.target)}</span>'


def _date(token: Token, context: DrawContext) -> str:
    words = date_words(int(token.target), token.format, context.now.astimezone(context.zone))
    return f'<time title="{escape(token.label or "")}">{escape(words)}</time>'


def _link(token: Token, _: DrawContext) -> str:
    return link(html.unescape(token.target), html.unescape(token.label or token.target))


_TOKENS: dict[str, Callable[[Token, DrawContext], str]] = {
    "user": _mention,
    "channel": _channel,
    "group": partial(_ping),
    "ping": partial(_ping),
    "date": _date,
    "link": _link,
}
