"""`/data promise`: how fresh sources must be, and a card that shows another promise before it is saved."""

from bot import names, values
from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.promise_words import PromiseRefusedError, split
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Action
from storage.facts.sources import Source
from templates import notices
from templates.notices import promise as words


async def promise(case: Case) -> Reply:
    """Show how fresh sources must be; with a promise behind the name, the card that asks."""
    about, wanted = split(case.about)
    if wanted:
        authorize(case.actor, Action.CHANGE_PROMISE)
    known = await case.services.status.sources(case.actor)
    if not known:
        who = await case.names()
        return case.say(notices.no_sources(who.organization, who.admins))
    chosen = known if not about or names.is_everything(about) else list(names.find(about, known).sources)
    if not wanted:
        return await _shown(case, about, chosen)
    if not chosen:
        return case.say(notices.unknown_source(about, [source.label for source in known]))
    return case.say(words.promise_usage()) if len(chosen) > 1 else await _preview(case, chosen[0], wanted)


async def _shown(case: Case, about: str, chosen: list[Source]) -> Reply:
    if not chosen:
        return case.say(words.promise_usage(about))
    who = await case.names()
    wanted = {source.id for source in chosen}
    known = await case.services.status.all(case.actor)
    return case.say(words.promises(who.organization, [entry for entry in known if entry.source.id in wanted]))


async def _preview(case: Case, source: Source, wanted: str) -> Reply:
    try:
        found = await case.services.promises.preview(case.actor, source.id, wanted)
    except PromiseRefusedError as error:
        return case.say(words.promise_refused(error.reason))
    if found is None:
        return case.say(words.promise_usage(wanted))
    card = words.promise_preview(
        found.source,
        found.before,
        as_of=found.as_of,
        late=(found.late_at, found.overdue_at),
        late_before=found.late_before,
        days_off=found.days_off,
        zone=found.zone,
        value=values.pack_promise(values.new_card(), source.id, wanted, found.seen),
    )
    return case.say(card)


async def confirmed(case: Case) -> Reply:
    """Save the promise of the card; the card is the key, so that a second click changes nothing."""
    asked = values.unpack_promise(case.request.value)
    key = TriggerKey(case.request.team_id, asked.card)
    try:
        found = await case.services.promises.change(case.actor, asked.source_id, asked.words, asked.seen, key)
    except PromiseRefusedError as error:
        return case.say(words.promise_refused(error.reason), replace=True)
    late = (found.late_at, found.overdue_at)
    saved = words.promise_set(found.source, as_of=found.as_of, late=late, days_off=found.days_off, zone=found.zone)
    return case.say(saved, replace=True)
