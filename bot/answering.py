"""Questions in plain words: read against the asker's own sources, and answered in their order.

No question starts anything: the strongest answer is the card that asks, and where the words say no to anything, nothing
to press is left in the answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot import by_hand, replying
from bot.asking.facts import Intent, Understood, World
from bot.asking.reading import Before, read
from bot.case import Case
from bot.feedback import with_thumbs
from bot.interaction import Kind
from bot.reply import NOTHING, Reply
from jobs.errors import NoAccessError, NotAllowedError
from jobs.slots import known_zone
from storage.facts.messages import Message
from storage.facts.status import SourceStatus
from storage.facts.talk import Conversation
from templates.notices import answering as words


async def question(case: Case) -> Reply:
    """Answer what was asked; what needs the lake is answered behind the ack, and what is kept is written last."""
    by_nobody = await by_hand.refusal(case)
    if by_nobody is not None:
        return case.say(by_nobody)
    where = _conversation(case)
    before = await _before(case, where)
    world = _world(case, ())
    # How long runs take is looked up only for those who ask; which sources they mean is known after the look.
    timed = any(item.intent is Intent.HOW_LONG for item in read(case.about, world, before).asked)
    known = await case.looks.look(
        (case.member.organization_id, timed), lambda: case.services.status.all(case.actor, with_durations=timed)
    )
    found = _alone(read(case.about, _world(case, known), before), known)
    kept = _after(case.threads.keep(case.actor, where, found, before) if where is not None else None)
    if any(item.intent is Intent.LANDED for item in found.asked):

        async def looked() -> Reply:
            return replace(case.say(await _answered(case, found, known)), then=kept)

        return Reply(then=looked, zone=case.zone)
    return replace(case.say(await _answered(case, found, known)), then=kept)


async def _answered(case: Case, found: Understood, known: list[SourceStatus]) -> Message:
    answers = [await _answer(case, found, at, known) for at in range(len(found.asked))]
    told = words.together(answers)
    return with_thumbs(case, told if found.offers else words.without_offers(told), found)


async def _answer(case: Case, found: Understood, at: int, known: list[SourceStatus]) -> Message:
    """Answer one question; of several, one that is not allowed leaves the others their answers."""
    try:
        return await replying.answer(case, found.asked[at], found, known)
    except (NotAllowedError, NoAccessError) as error:
        if len(found.asked) == 1:
            raise
        return await replying.refused(case, error)


def _alone(found: Understood, known: list[SourceStatus]) -> Understood:
    """Where there is one source only, it is clear which one is meant."""
    if len(known) != 1:
        return found
    clear = (replace(item, unclear=False) if item.source_ids or item.everything else item for item in found.asked)
    return replace(found, asked=tuple(clear))


def _world(case: Case, known: list[SourceStatus] | tuple[()]) -> World:
    zone = ZoneInfo(case.zone if known_zone(case.zone) else "UTC")
    me = case.member
    return World(tuple(entry.source for entry in known), case.now, zone, {me.user_id: me.name}, me.name)


async def _before(case: Case, where: Conversation | None) -> Before | None:
    """Return what was asked before; a thread under an answer in a direct message goes on with what was said outside."""
    direct, thread = case.request.kind is Kind.DIRECT, case.request.thread_ts
    # A mention outside of a thread is the first of its own.
    if where is None or not (direct or thread):
        return None
    found = await case.threads.before(case.actor, where)
    if found is None and direct and thread:
        return await case.threads.before(case.actor, Conversation(where.channel_id, ""))
    return found


def _after(keep: Callable[[], Awaitable[None]] | None) -> Callable[[], Awaitable[Reply]] | None:
    if keep is None:
        return None

    async def kept() -> Reply:
        await keep()
        return NOTHING

    return kept


def _conversation(case: Case) -> Conversation | None:
    """Return whose conversation it is; None for a command, which has no thread."""
    request = case.request
    if request.kind not in (Kind.MENTION, Kind.DIRECT):
        return None
    own = "" if request.kind is Kind.DIRECT else request.trigger.rpartition(":")[2]
    return Conversation(request.channel_id, request.thread_ts or own)
