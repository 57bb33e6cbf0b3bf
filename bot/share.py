"""Share in channel: the button below an answer that one person sees, and what it does."""

from collections.abc import Sequence
from dataclasses import replace

from bot import values
from bot.case import Case
from bot.interaction import Kind
from bot.reply import Reply
from jobs.channels import ChannelRefusedError
from storage.facts.messages import Buttons, Message
from storage.facts.shared import Answer, Shareable
from storage.facts.sources import Source
from templates.notices import shared as words

#: Where an answer is seen by one person in a room of several.
_AMONG_OTHERS = frozenset({Kind.COMMAND, Kind.MENTION})


def offered(case: Case) -> bool:
    """Whether the answer may have the button: in a channel, whose ids begin so. Who reads there is looked at later."""
    return case.request.kind in _AMONG_OTHERS and case.request.channel_id.startswith(("C", "G"))


def with_button(case: Case, told: Message, wanted: Answer) -> Message:
    """Return the answer with the button below it, where there is something to share and a channel for it."""
    if told.kind != wanted.kind.value or not offered(case) or len(wanted.source_ids) > values.MOST_SOURCES:
        return told
    button = words.share_button(values.pack_shared(values.new_card(), wanted))
    rows = [at for at, part in enumerate(told.parts) if isinstance(part, Buttons)]
    if not rows:
        return replace(told, parts=(*told.parts, Buttons((button,))))
    last = told.parts[rows[-1]]
    assert isinstance(last, Buttons)
    beside = Buttons((*last.buttons, button))
    return replace(told, parts=(*told.parts[: rows[-1]], beside, *told.parts[rows[-1] + 1 :]))


def about(kind: Shareable, sources: Sequence[Source]) -> Answer:
    """Return the answer about these sources; none: about all."""
    return Answer(kind, tuple(source.id for source in sources))


async def share(case: Case) -> Reply:
    """Post the answer to the channel as it is then, once Slack has told who reads along there."""
    card, wanted = values.unpack_shared(case.request.value)

    async def told() -> Reply:
        try:
            name = await case.services.sharing.share(case.actor, case.place, card, wanted)
        except ChannelRefusedError as error:
            return case.say(words.not_shared(error.reason))
        return case.say(words.shared(name))

    return Reply(then=told, zone=case.zone)
