"""`tidings preview`: messages as Slack or a mail program gets them, one, or all on a page."""

import json
from collections.abc import Mapping
from pathlib import Path

from bot.cli.say import line, stop
from storage.facts.messages import Message


def run(notice: str | None, form: str, page: Path | None) -> None:
    """Print one sample in one form, or the list of them; or write all of them to a page."""
    from bot.cli.samples.catalogue import messages
    from bot.cli.samples.facts import NOW, ZONE

    known: Mapping[str, Message] = messages()
    if page is not None:
        from bot.cli import gallery

        page.write_text(gallery.page(known, ZONE, NOW), encoding="utf-8")
        line(f"{len(known)} messages are in {page}: open it in a browser")
    elif notice is None:
        line("\n".join(sorted(known)))
    elif notice not in known:
        stop(f"there is no {notice!r}; `tidings preview` lists what there is")
    else:
        line(rendered(known[notice], form))


def rendered(message: Message, form: str) -> str:
    """Return the message as `slack` (JSON), `text` or `html`; ends the command for any other form."""
    from templates import mail, slack

    if form == "slack":
        return json.dumps(slack.render(message), indent=2, ensure_ascii=False)
    if form == "text":
        written = mail.render(message)
        return f"Subject: {written.subject}\n\n{written.text}"
    if form != "html":
        stop("--as must be slack, text or html")
    return mail.render(message).html
