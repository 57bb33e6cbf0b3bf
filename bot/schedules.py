"""`/data schedule`: when sources are collected, and a card that shows another schedule before it is saved."""

from bot import names, values
from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.plans import PlanRefusedError, split
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Action
from storage.facts.sources import Source
from templates import notices
from templates.notices import schedule as words


async def schedule(case: Case) -> Reply:
    """Show when sources are collected; with a schedule behind the name, the card that asks."""
    about, wanted = split(case.about)
    if wanted:
        authorize(case.actor, Action.CHANGE_SCHEDULE)
    known = await case.services.status.sources(case.actor)
    if not known:
        who = await case.names()
        return case.say(notices.no_sources(who.organization, who.admins))
    chosen = known if not about or names.is_everything(about) else list(names.find(about, known).sources)
    if not wanted:
        return await shown(case, chosen) if chosen else case.say(words.schedule_usage(about))
    if not chosen:
        return case.say(notices.unknown_source(about, [source.label for source in known]))
    if len(chosen) > 1:
        return case.say(words.schedule_usage())
    return await _preview(case, chosen[0], wanted)


async def shown(case: Case, chosen: list[Source]) -> Reply:
    """Show when these sources are collected."""
    who = await case.names()
    wanted = {source.id for source in chosen}
    known = await case.services.status.all(case.actor)
    return case.say(
        words.schedules(who.organization, [entry for entry in known if entry.source.id in wanted], case.now)
    )


async def _preview(case: Case, source: Source, wanted: str) -> Reply:
    try:
        planned = await case.services.schedules.preview(case.actor, source.id, wanted)
    except PlanRefusedError as error:
        return case.say(words.schedule_refused(error.reason))
    if planned is None:
        return case.say(words.schedule_usage(wanted))
    value = values.pack_schedule(values.new_card(), source.id, planned.words, planned.seen)
    card = words.schedule_preview(planned.source, planned.before, planned.times, zone=planned.zone, value=value)
    return case.say(card)


async def confirmed(case: Case) -> Reply:
    """Save the schedule of the card; the card is the key, so that a second click changes nothing."""
    asked = values.unpack_schedule(case.request.value)
    key = TriggerKey(case.request.team_id, asked.card)
    try:
        planned = await case.services.schedules.change(case.actor, asked.source_id, asked.words, asked.seen, key)
    except PlanRefusedError as error:
        return case.say(words.schedule_refused(error.reason), replace=True)
    return case.say(words.schedule_set(planned.source, planned.times, zone=planned.zone), replace=True)
