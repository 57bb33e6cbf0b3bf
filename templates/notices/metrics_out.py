"""Metrics that leave: where they are posted, and files of them."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import Button, Buttons, Code, Message, Note, Paragraph, When
from storage.facts.metrics import PostTime
from templates.actions import OPEN_LINK
from templates.notices.answers import tell
from templates.rhythm import weekly
from templates.text import label, shorten


def metric_posted(name: str, channel: str, next_at: datetime | None, when: PostTime) -> Message:
    """Return where a metric is posted from now on, and when; without a name, when all of that channel are."""
    if next_at is None:
        return tell(f"{label(name)} is not posted any more.", ("Look at it with ", Code(f"/data metric {label(name)}")))
    return tell(
        f"{label(name, empty='Everything there')} is posted {weekly(when)} in #{label(channel)}.",
        ("The next post: ", When(next_at), ". One message has everything that is posted there."),
        ("Another day or time: ", Code("/data metrics post #channel fridays at 16:00")),
        ("Stop it: ", Code(f"/data metric {label(name, empty='<name>')} post nowhere")),
    )


def metric_post_time_unclear(said: str) -> Message:
    """Return that the words name no day and time."""
    which = f"“{shorten(label(said), 60)}” is no day and time of a post." if said else "Say a day and a time."
    return tell(
        f"{which} Nothing was changed.",
        ("Write a day and a time, by the organization's clock: ", Code("/data metrics post #channel fridays at 16:00")),
    )


def metric_post_none() -> Message:
    """Return that nothing is posted there."""
    return tell(
        "Nothing is posted in that channel yet, so there is no time to change.",
        ("Begin with one: ", Code("/data metric <name> post to #channel fridays at 16:00")),
    )


def metric_post_unclear(said: str) -> Message:
    """Return that Slack did not say which channel that is."""
    return tell(
        f"Which channel is {shorten(label(said), 80)}? Nothing was changed.",
        ("Choose it from the list that Slack shows after #, or type there: ", Code("/data metric <name> post here")),
    )


def metric_post_not_allowed() -> Message:
    """Return that no admin allowed the channel."""
    return tell(
        "No admin has allowed that channel, so nothing is posted there. Nothing was changed.",
        ("An admin types there: ", Code("/data channel allow")),
    )


def metric_files(name: str, urls: Sequence[tuple[str, str]], until: datetime) -> Message:
    """Return the links to a metric's files."""
    summary = f"{label(name)} as a file: every period with its exact value, its as-of and its state."
    buttons = tuple(Button(f"Download {form.upper()}", OPEN_LINK, url=url) for form, url in urls)
    note = (
        "The links are yours alone and work until ",
        When(until, short=True),
        ". The file is as of when you open it.",
    )
    return Message(summary, (Paragraph((summary,)), Buttons(buttons), Note(note)), kind="metric_files")
