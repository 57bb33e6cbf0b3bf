"""Rich text to HTML."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from sandbox.web.draw.context import DrawContext
from sandbox.web.draw.dates import date_words
from sandbox.web.draw.emoji import DRAWN, EMOJI
from sandbox.web.draw.mrkdwn import link

_Json = dict[str, Any]
_TAGS = {"bold": "strong", "italic": "em", "strike": "s", "code": "code", "underline": "u"}


def rich_text(block: _Json, context: DrawContext, unknown: Callable[[str], str]) -> Markup:
    """Draw a rich_text block; `unknown` draws what is not known, and notes it."""
    drawn = [_element(element, context, unknown) for element in block.get("elements", [])]
    return Markup("".join(drawn))  # noqa: S704 - every piece was escaped


def _element(element: _Json, context: DrawContext, unknown: Callable[[str], str]) -> str:
    kind = element.get("type")
    if kind == "rich_text_list":
        tag = "ol" if element.get("style") == "ordered" else "ul"
        items = "".join(f"<li>{_inlines(item, context, unknown)}</li>" for item in element["elements"])
        return f'<{tag} class="indent-{int(element.get("indent", 0))}">{items}</{tag}>'
    tags = {"rich_text_section": "p", "rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}
    if kind not in tags:
        return unknown(f"rich_text/{kind}")
    return f"<{tags[kind]}>{_inlines(element, context, unknown)}</{tags[kind]}>"


def _inlines(element: _Json, context: DrawContext, unknown: Callable[[str], str]) -> str:
    return "".join(_styled(each, context, unknown) for each in element.get("elements", []))


def _styled(inline: _Json, context: DrawContext, unknown: Callable[[str], str]) -> str:
    shown = _words(inline, context, unknown)
    for name, tag in _TAGS.items():
        if inline.get("style", {}).get(name):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _words(inline: _Json, context: DrawContext, unknown: Callable[[str], str]) -> str:
    draw = _INLINE.get(str(inline.get("type")))
    return draw(inline, context) if draw else unknown(f"rich_text/{inline.get('type')}")


def _text(inline: _Json, _: DrawContext) -> str:
    return str(escape(inline["text"])).replace("\n", "<br>")


def _link(inline: _Json, _: DrawContext) -> str:
    return link(inline["url"], inline.get("text") or inline["url"])


def _user(inline: _Json, context: DrawContext) -> str:
    return f'<span class="mention">@{escape(context.people.get(inline["user_id"], inline["user_id"]))}</span>'


def _channel(inline: _Json, context: DrawContext) -> str:
    return f'<span class="mention">#{escape(context.channels.get(inline["channel_id"], inline["channel_id"]))}</span>'


def _broadcast(inline: _Json, _: DrawContext) -> str:
    return f'<span class="mention ping">@{escape(inline["range"])}</span>'


def _emoji(inline: _Json, _: DrawContext) -> str:
    return DRAWN.get(inline["name"]) or str(escape(EMOJI.get(inline["name"], f":{inline['name']}:")))


def _date(inline: _Json, context: DrawContext) -> str:
    return str(escape(date_words(inline["timestamp"], inline["format"], context.now.astimezone(context.zone))))


_INLINE: dict[str, Callable[[_Json, DrawContext], str]] = {
    "text": _text,
    "link": _link,
    "user": _user,
    "channel": _channel,
    "broadcast": _broadcast,
    "emoji": _emoji,
    "date": _date,
}
