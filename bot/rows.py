"""What a row of the data source index offers beside what every message does: all about a source, history, schedule."""

from bot import mutes, schedules
from bot.case import Case
from bot.commands import history_told
from bot.home import viewer
from bot.reply import Reply
from jobs.errors import NotFoundError
from storage.facts.sources import Source
from templates import notices
from templates.notices import row_menu as words

#: Answers to what is pressed in the form take its place, as in every form that begins so (bot.show).
_KEY = "asked:"
_MOST_KEY = 255


async def more(case: Case) -> Reply:
    """Open a form at once, and fill it with all about the source and all that the person may do with it."""
    key = f"{_KEY}{case.request.trigger}"[:_MOST_KEY]

    async def filled() -> Reply:
        status = await case.services.status.one(case.actor, case.request.value)
        looks = await viewer(case)
        who = await case.names()
        said = notices.source_status(who.organization, status, case.now, zone=case.zone, admins=who.admins)
        entries = words.possible(status, looks.may, looks.manages, looks.refresh_value)
        form = words.source_form(status, said.parts, entries)
        return Reply(form=form, form_key=key, fills=True, zone=case.zone)

    return Reply(form=words.waiting(""), form_key=key, then=filled, zone=case.zone)


async def history(case: Case) -> Reply:
    """Show what happened to the source lately."""
    source = await _source(case)
    return case.say(await history_told(case, [source], [source]))


async def schedule(case: Case) -> Reply:
    """Show when the source is collected, and how that is changed."""
    return await schedules.shown(case, [await _source(case)])


async def mute(case: Case) -> Reply:
    """Show the card that mutes late and failing alarms about the source for a while."""
    return await mutes.preview(case, await _source(case))


async def _source(case: Case) -> Source:
    known = {source.id: source for source in await case.services.status.sources(case.actor)}
    if case.request.value not in known:
        raise NotFoundError
    return known[case.request.value]
