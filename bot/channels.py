"""`/data channel`: whether Tidings may speak in the channel where it is typed, and the admins' way to change it."""

from collections.abc import Awaitable, Callable

from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError, ChannelView, refused
from storage.facts.messages import Message
from storage.facts.people import Action
from templates.notices import install as words


async def channel(case: Case) -> Reply:
    """Show how the channel stands, or let an admin change it."""
    match case.about.strip().casefold():
        case "":
            return _after(case, lambda: case.services.channels.look(case.actor, case.place), _state)
        case "allow":
            authorize(case.actor, Action.MANAGE_CHANNELS)
            return _after(case, lambda: case.services.channels.allow(case.actor, case.place, case.trigger), _allowed)
        case "deny":
            authorize(case.actor, Action.MANAGE_CHANNELS)
            return _after(case, lambda: case.services.channels.deny(case.actor, case.place, case.trigger), _denied)
        case _:
            return case.say(words.channel_usage())


def _after(case: Case, asked: Callable[[], Awaitable[ChannelView]], said: Callable[[ChannelView], Message]) -> Reply:
    """Return a reply that comes once Slack has told about the channel; the ack does not wait for that."""

    async def told() -> Reply:
        try:
            return case.say(said(await asked()))
        except ChannelRefusedError as error:
            return case.say(words.channel_refused(error.reason))

    return Reply(then=told, zone=case.zone)


def _state(view: ChannelView) -> Message:
    return words.channel_state(view.room.name, allowed=view.allowed, refused=refused(view.room))


def _allowed(view: ChannelView) -> Message:
    return words.channel_allowed(view.room.name, private=view.room.private, changed=view.changed)


def _denied(view: ChannelView) -> Message:
    return words.channel_denied(view.room.name, changed=view.changed)
