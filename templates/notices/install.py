"""Installing: what admins are told when Tidings left a workspace, and about channels where it may speak."""

from dataclasses import replace
from datetime import datetime

from storage.facts.messages import Button, Buttons, Code, Message, Note, Paragraph, Part, Strong, When
from templates.actions import OPEN_LINK
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.text import label

_SILENT = (
    "Nothing can be said in that workspace any more: no answers, confirmations or warnings. What can come by e-mail "
    "still does, to people who confirmed their address. Data is collected as before, and is all there."
)
_AGAIN = " somebody who may install apps in that workspace adds Tidings again. Members and their roles are kept."


def workspace_left(organization: str, workspace: str, at: datetime, install_url: str, *, back: bool = False) -> Message:
    """Return the mail to admins: Slack reaches nobody there now. `back`: it was installed again meanwhile."""
    who, where = label(organization), label(workspace)
    if back:
        return say(f"{who}: Tidings was removed from the Slack workspace {where}, and is installed there again.")
    summary = f"{who}: Tidings was removed from the Slack workspace {where}."
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary), " Removed ", When(at), ".")),
        Paragraph((_SILENT,)),
        Paragraph((Strong("Next step:"), _AGAIN)),
        Buttons((Button("Install again", OPEN_LINK, url=install_url),)),
    )
    return Message(summary, parts, kind="workspace_left")


def only_by_mail(message: Message, workspace: str) -> Message:
    """Return a mail that says why it comes without a word in Slack."""
    words = f"This came by e-mail only: Tidings was removed from the Slack workspace {label(workspace)}."
    return replace(message, parts=(*message.parts, Note((words,))))


#: Why nothing may be said in a channel, and what to do.
_REFUSED = {
    "shared": (
        "This channel is shared with another company, or about to be. Nothing is said about your data there.",
        "use a channel of your own workspace.",
    ),
    "direct": ("This is a direct message.", "type the command in the channel that you mean."),
    "archived": ("This channel is archived.", "use another one."),
    "not_joined": ("Tidings is not in this channel.", "type /invite @Tidings here, then try again."),
    "unknown": (
        "Tidings cannot see this channel, so it cannot know who reads along.",
        "type /invite @Tidings here, then try again.",
    ),
}


def channel_refused(reason: str) -> Message:
    """Return the answer to a channel where nothing may be said."""
    what, step = _REFUSED.get(reason, _REFUSED["unknown"])
    return say(f"{what} Nothing was changed.", (f"{what} Nothing was changed.",), (Strong("Next step: "), step),
               kind="channel")  # fmt: skip


def channel_allowed(name: str, *, private: bool, changed: bool) -> Message:
    """Return the answer to a channel that was allowed."""
    now = "may speak in" if changed else "may already speak in"
    reads = "its members" if private else "everybody in your workspace, since it is a public channel"
    summary = f"Tidings {now} #{label(name)}. Who reads along: {reads}."
    take = ("To take it back: ", Code("/data channel deny"), ". Answers to commands stay for the asker alone.")
    return say(summary, (summary,), take, kind="channel")


def channel_denied(name: str, *, changed: bool) -> Message:
    """Return the answer to a channel that was denied."""
    now = "says nothing in #{name} any more" if changed else "was not allowed in #{name}, and says nothing there"
    said = now.format(name=label(name))
    return say(f"Tidings {said}. What it would have said goes to people's direct messages.", kind="channel")


def channel_state(name: str, *, allowed: bool, refused: str | None) -> Message:
    """Return how a channel stands."""
    if refused is not None and not allowed:
        return channel_refused(refused)
    if refused is not None:
        what, _ = _REFUSED[refused]
        return say(f"#{label(name)} is allowed, but nothing is said there now. {what}", kind="channel")
    words: Words = (f"Tidings may speak in #{label(name)}. ", Code("/data channel deny"), " takes it back.")
    if not allowed:
        words = (
            f"Tidings says nothing in #{label(name)}. An admin can change that with ",
            Code("/data channel allow"),
            ".",
        )
    summary = f"Tidings {'may speak' if allowed else 'says nothing'} in #{label(name)}."
    return say(summary, words, kind="channel")


def channel_usage() -> Message:
    """Return how the command is written."""
    summary = "Write it in the channel, as /data channel, /data channel allow or /data channel deny."
    words: Words = (
        "Write it in the channel that you mean: ",
        Code("/data channel"),
        " shows it, ",
        Code("/data channel allow"),
        " and ",
        Code("/data channel deny"),
        " are for admins.",
    )
    return say(summary, words, kind="channel")
