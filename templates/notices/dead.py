"""A channel, a person or an address that nothing reaches any more, and what refusals mean in plain words."""

from collections.abc import Mapping

from storage.facts.deliveries import Channel
from storage.facts.messages import Code, Facts, Heading, Inline, Message, Note, Paragraph, Strong
from templates.text import label, shorten

_REASON = 160
#: What Slack's codes mean for whoever reads.
_SLACK: Mapping[str, str] = {
    "channel_not_found": "the channel is gone, or Tidings was removed from it",
    "is_archived": "the channel is archived",
    "not_in_channel": "Tidings is no member of the channel",
    "restricted_action": "only some people may post there",
    "restricted_action_read_only_channel": "only some people may post there",
    "posting_to_general_channel_denied": "only some people may post there",
    "user_not_found": "Slack knows the person no more",
    "users_not_found": "Slack knows the person no more",
    "user_disabled": "the person's Slack account is deactivated",
    "account_inactive": "the Slack account of Tidings, or the workspace, is deactivated",
    "messages_tab_disabled": "Tidings may not write direct messages in this workspace",
    "missing_scope": "Tidings lacks a permission in Slack; an admin can install it again",
    "token_revoked": "Slack took back the access of Tidings",
    "invalid_auth": "Slack does not accept the access of Tidings",
    "workspace_closed": "Tidings was removed from the workspace",
    "ratelimited": "Slack asked to wait",
    "msg_too_long": "Slack found the message too long",
    "invalid_blocks": "Slack did not accept the form of the message",
}
#: What helps, by code; else by the kind of place.
_STEPS: Mapping[str, tuple[Inline, ...]] = {
    "is_archived": ("unarchive the channel, or allow another one: ", Code("/data channel allow"), " there."),
    "not_in_channel": ("invite Tidings into the channel: ", Code("/invite @Tidings"), "."),
    "channel_not_found": ("invite Tidings into the channel, or allow another one: ", Code("/data channel allow"), "."),
    "user_disabled": ("if the person has left, take their role away: ", Code("/data members"), "."),
}


def reason_words(reason: str) -> str:
    """Return a refusal as people read it; a mail server's own words stay as they are."""
    code = reason.partition(":")[0].strip()
    words = _SLACK.get(code)
    return f"{words} ({code})" if words else shorten(label(reason), _REASON)


def place_dead(channel: Channel, place: str, person: str | None, reason: str, *, name: str | None = None) -> Message:
    """Return what admins are told, once, when nothing reaches a place any more; `person` is whose it is.

    `name` is what a channel was called when it was last known.
    """
    title, where = _named(channel, place, person, name)
    code = reason.partition(":")[0].strip()
    step = _STEPS.get(code) or _step(channel, person)
    rows: tuple[tuple[str, tuple[Inline, ...]], ...] = (("Where", where), ("Why", (reason_words(reason),)))
    parts = (
        Heading(title),
        Facts(rows),
        Paragraph((Strong("Next step: "), *step)),
        Paragraph(("Until then people are told by Slack or by mail, where there is a way. No data is lost.",)),
        Note(("You are told once, until something arrives there again. What became of each message: ",
              Code("/data deliveries"), ".")),
    )  # fmt: skip
    return Message(f"{title}: {reason_words(reason)}.", parts, subject=title, kind="place_dead")


def _named(channel: Channel, place: str, person: str | None, name: str | None) -> tuple[str, tuple[Inline, ...]]:
    if channel is Channel.EMAIL:
        whose = label(person) if person else "support"
        return f"Mail does not reach {whose}", (f"the e-mail address of {whose}",)
    if person is not None and place.partition("/")[2].startswith(("U", "W")):
        return f"Slack messages do not reach {label(person)}", (f"direct messages to {label(person)}",)
    if name is not None:
        called = f"#{label(name)}"
        return f"{called} cannot be told any more", (
            f"the channel {called} (",
            Code(label(place.partition("/")[2])),
            ")",
        )
    return "A channel cannot be told any more", ("the channel ", Code(label(place.partition("/")[2])))


def _step(channel: Channel, person: str | None) -> tuple[Inline, ...]:
    if channel is Channel.EMAIL and person:
        return (f"{label(person)} corrects the address in their Slack profile; Tidings then asks whether to use it.",)
    if channel is Channel.EMAIL:
        return ("tell whoever runs Tidings to correct the support address.",)
    return ("allow another channel there: ", Code("/data channel allow"), ".")
