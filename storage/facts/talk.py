"""Conversations: where something was asked, so that what follows there is understood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversation:
    """One thread of a channel; `thread` is empty for what is said in a direct message outside of any."""

    channel_id: str
    thread: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that is suggested: what is shown, and what the person then says by pressing it."""

    title: str
    message: str
