"""An answer that somebody shares with a channel: the same words, with nothing to press, who shared it and when."""

from dataclasses import replace
from datetime import datetime

from storage.facts.messages import Button, Buttons, Code, Message, Note, Paragraph, Part, Person, Thumbs, When
from storage.facts.people import Member
from templates import actions
from templates.notices.answers import say
from templates.text import label

_WHY_NOT = {
    "shared": "People of another company read along there, so nothing about your data is said to all of that channel.",
    "direct": "This is a direct message; there is no channel to share it in.",
    "archived": "That channel is archived.",
    "not_joined": "Tidings is not in that channel. Invite it there, and have an admin allow the channel.",
    "not_allowed": "No admin has allowed that channel yet: an admin types /data channel allow there.",
}


def share_button(value: str) -> Button:
    """Return the button that shares an answer with the channel where it was asked for."""
    return Button("Share in channel", actions.SHARE, value)


def for_all(message: Message, by: Member, at: datetime, again: str) -> Message:
    """Return an answer for everybody: with nothing to press, who shared it, as of when, and how one asks `again`."""
    kept: list[Part] = []
    for part in message.parts:
        if isinstance(part, Paragraph):
            kept.append(replace(part, menu=()))
        elif not isinstance(part, Buttons | Thumbs):
            kept.append(part)
    person = Person(by.name, by.team_id, by.user_id)
    note = Note(("Shared by ", person, ", as of ", When(at), ". How it stands now: ", Code(label(again)), "."))
    return replace(message, parts=(*kept, note), kind="shared")


def gone() -> Message:
    """Return what stands in the place of something that was deleted between the press and the post."""
    return say("What was to be shared here is not there any more.", kind="shared")


def shared(channel: str) -> Message:
    """Return the answer to whoever shared something."""
    return say(f"Shared in #{label(channel)}: how it stands now, as every member may see it.", kind="share_done")


def not_shared(reason: str) -> Message:
    """Return the answer where nothing can be shared, and why."""
    why = _WHY_NOT.get(reason, "Slack does not know that channel as one of your organization.")
    return say(f"Nothing was shared. {why}", kind="share_refused")
