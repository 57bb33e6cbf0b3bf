"""Questions in plain words: read against the asker's own sources, and answered in their order.

No question starts anything: the strongest answer is the card that asks, and where the words say no to anything, nothing
to press is left in the answer.
"""

from collections.abc import Hashable
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot import replying
from bot.asking.facts import Intent, Understood, World
from bot.asking.reading import read
from bot.case import Case
from bot.interaction import Kind
from bot.reply import Reply
from jobs.errors import NoAccessError, NotAllowedError
from jobs.slots import known_zone
from storage.facts.messages import Message
from storage.facts.status import SourceStatus
from templates.notices import answering as words


async def question(case: Case) -> Reply:
    """Answer what was asked; what needs the lake is answered behind the ack."""
    thread = _thread(case)
    before = case.threads.before(thread) if thread is not None else None
    world = _world(case, ())
    # How long runs take is looked up only for those who ask; which sources they mean is known after the look.
    timed = any(item.intent is Intent.HOW_LONG for item in read(case.about, world, before).asked)
    known = await case.looks.look(
        (case.member.organization_id, timed), lambda: case.services.status.all(case.actor, with_durations=timed)
    )
    found = _alone(read(case.about, _world(case, known), before), known)
    if thread is not None:
        case.threads.keep(thread, found)
    if any(item.intent is Intent.LANDED for item in found.asked):

        async def looked() -> Reply:
            return case.say(await _answered(case, found, known))

        return Reply(then=looked, zone=case.zone)
    return case.say(await _answered(case, found, known))


async def _answered(case: Case, found: Understood, known: list[SourceStatus]) -> Message:
    answers = [await _answer(case, found, at, known) for at in range(len(found.asked))]
    told = words.together(answers)
    return told if found.offers else words.without_offers(told)


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


def _thread(case: Case) -> Hashable | None:
    """Return whose conversation it is; None for a command, which has no thread."""
    request = case.request
    if request.kind not in (Kind.MENTION, Kind.DIRECT):
        return None
    own = "" if request.kind is Kind.DIRECT else request.trigger.rpartition(":")[2]
    return (request.team_id, request.channel_id, request.thread_ts or own, request.identity)
