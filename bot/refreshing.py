"""Choosing what to refresh: a form whose menu searches the member's own sources. Nothing starts before the card."""

from collections.abc import Sequence

from bot import opening, values
from bot.case import Case
from bot.commands import confirm_card
from bot.names import NICKNAMES
from bot.reply import Reply
from bot.searching import Candidate, matching
from jobs.errors import NotFoundError
from jobs.refresh.ask import Scope
from storage.facts.ids import derived_id
from storage.facts.status import SourceStatus
from templates import actions, notices
from templates.forms import refreshing as forms

_NONE = "Choose at least one source."


async def choose(case: Case) -> Reply:
    """Open the form at once, and fill it with what is not fresh; where there is no choice, go on to the card."""

    async def filled(key: str) -> Reply:
        found = await case.services.refresh.choices(case.actor)
        if not found:
            who = await case.names()
            return case.say(notices.no_sources(who.organization, who.admins))
        able = forms.able_first(found)
        if len(able) < 2:
            ids = tuple(one.source.id for one in able)
            return case.say(await confirm_card(case, Scope(everything=not ids, source_ids=ids)))
        form = forms.refresh_form(able, found, most=values.MOST_SOURCES)
        return Reply(form=form, form_key=key, fills=True, zone=case.zone)

    return opening.at_once(case, forms.waiting_form(), filled)


async def chosen(case: Case) -> Reply:
    """Show the card that asks, in the place of the form; the same form sent again brings the same card."""
    ids = tuple(dict.fromkeys(case.request.fields.get(actions.REFRESH_SOURCES, "").split()))
    if not ids:
        return Reply(errors={actions.REFRESH_SOURCES: _NONE}, zone=case.zone)
    if len(ids) > values.MOST_SOURCES:
        raise NotFoundError
    card = derived_id("card", case.request.team_id, case.request.trigger, *ids)
    told = await confirm_card(case, Scope(everything=False, source_ids=ids), card)
    return Reply(told, form_key=f"asked:{case.request.trigger}", zone=case.zone)


async def sought(case: Case) -> Reply:
    """Offer the sources that fit what is typed; those that are not fresh first."""
    found = forms.able_first(await case.services.refresh.choices(case.actor))
    return Reply(options=matching(case.request.words, _candidates(found)), zone=case.zone)


def _candidates(found: Sequence[SourceStatus]) -> list[Candidate]:
    return [
        Candidate(
            forms.source_option(one),
            (one.source.label, one.source.company, one.source.account, *NICKNAMES.get(one.source.provider.value, ())),
        )
        for one in found
    ]
