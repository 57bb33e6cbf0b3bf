"""Share in channel: the button below an answer that one person sees, and what it does."""

from dataclasses import replace

from bot import values
from bot.case import Case
from bot.interaction import Kind
from bot.reply import Reply
from jobs.channels import ChannelRefusedError
from jobs.refresh.ask import Scope
from storage.facts.messages import Buttons, Message
from templates.notices import shared as words

#: Where an answer is seen by one person in a room of several.
_AMONG_OTHERS = frozenset({Kind.COMMAND, Kind.MENTION})


def offered(case: Case) -> bool:
    """Whether the answer may have the button: in a channel, whose ids begin so. Who reads there is looked at later."""
    return case.request.kind in _AMONG_OTHERS and case.request.channel_id.startswith(("C", "G"))


def with_button(case: Case, told: Message, scope: Scope) -> Message:
    """Return the status of these sources with the button below it, where there is a channel to share it in."""
    if told.kind != "status" or not offered(case) or len(scope.source_ids) > values.MOST_SOURCES:
        return told
    button = words.share_button(values.pack(values.new_card(), scope))
    last = told.parts[-1]
    if isinstance(last, Buttons):
        return replace(told, parts=(*told.parts[:-1], Buttons((*last.buttons, button))))
    return replace(told, parts=(*told.parts, Buttons((button,))))


async def share(case: Case) -> Reply:
    """Post how it stands to the channel, once Slack has told who reads along there."""
    wanted = values.unpack(case.request.value)

    async def told() -> Reply:
        try:
            name = await case.services.sharing.share(case.actor, case.place, wanted.card, wanted.scope.source_ids)
        except ChannelRefusedError as error:
            return case.say(words.not_shared(error.reason))
        return case.say(words.shared(name))

    return Reply(then=told, zone=case.zone)
