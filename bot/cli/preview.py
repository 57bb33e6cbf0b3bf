"""`tidings preview`: a message as Slack or a mail program gets it."""

import json

from bot.cli import samples
from bot.cli.say import line, stop
from storage.facts.messages import Message


def run(notice: str | None, form: str) -> None:
    """Print one sample in one form, or the list of them."""
    known = samples.messages()
    if notice is None:
        line("\n".join(known))
    elif notice not in known:
        stop(f"there is no {notice!r}; there is {', '.join(known)}")
    else:
        line(rendered(known[notice](), form))


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
