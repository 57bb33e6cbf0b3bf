"""Rich text to HTML."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from sandbox.web.draw.context import DrawContext
from sandbox.web.draw.dates import date_words
from sandbox.web.draw.emoji import EMOJI
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
    match inline.get("type"):
        case "text":
            return str(escape(inline["text"])).replace("\n", "<br>")
        case "link":
            return link(inline["url"], inline.get("text") or inline["url"])
        case "user":
            return f'<span class="mention">@{escape(context.people.get(inline["user_id"], inline["user_id"]))}</span>'
        case "channel":
            name = context.channels.get(inline["channel_id"], inline["channel_id"])
            return f'<span class="mention">#{escape(name)}</span>'
        case "broadcast":
            return f'<span class="mention ping">@{escape(inline["range"])}</span>'
        case "emoji":
            return str(escape(EMOJI.get(inline["name"], f":{inline['name']}:")))
        case "date":
            return str(escape(date_words(inline["timestamp"], inline["format"], context.now.astimezone(context.zone))))
        case other:
            return unknown(f"rich_text/{other}")
