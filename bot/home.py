"""The App Home tab: the data source index, filtered and by pages, one's own messages, and for admins the settings."""

from contextlib import suppress

from bot import values
from bot.case import Case
from bot.commands import manages
from bot.reply import Reply, Where
from jobs.errors import NotFoundError, UnavailableError
from jobs.refresh.ask import Scope
from storage.facts.home import Filter, Showing
from storage.facts.people import Action
from templates.notices import index as words

#: The name of an interaction that no person made: the page changed while it is open.
CHANGED = "changed"
_MOST_PAGE = 4


async def opened(case: Case) -> Reply:
    """Show every source, what needs a person first; or the same again, where it changed while somebody looks."""
    if case.request.name == CHANGED:
        return await page(case, read_showing(case.request.value))
    return await _looked(case, Showing())


async def shown(case: Case) -> Reply:
    """Show what was chosen: another filter, or another page of it."""
    return await _looked(case, read_showing(case.request.value))


def read_showing(value: str) -> Showing:
    """Return what a button, or what is remembered, says to show; NotFoundError for what is not of our making."""
    wanted, _, number = value.partition(" ")
    if wanted not in set(Filter) or not (number.isdecimal() and number.isascii() and len(number) <= _MOST_PAGE):
        raise NotFoundError
    return Showing(Filter(wanted), int(number))


async def _looked(case: Case, showing: Showing) -> Reply:
    """Remember what the person looks at, so that it follows what changes; the page is shown all the same."""
    with suppress(UnavailableError):
        await case.services.home.opened(case.actor, f"{showing.filter.value} {showing.page}")
    return await page(case, showing)


async def page(case: Case, showing: Showing) -> Reply:
    """Return the page as the person may see it."""
    found = await case.services.home.index(case.actor)
    own = await case.services.own.mine(case.actor)
    drawn = words.index(found, await viewer(case), case.now, showing=showing, own=own)
    return Reply(drawn, Where.HOME, zone=case.zone)


async def viewer(case: Case) -> words.Viewer:
    """Return who looks, and what they may do."""
    who = await case.names()
    may = frozenset(action for action in Action if case.may(action))
    return words.Viewer(may, manages(case), case.zone, who.admins, refresh_value)


def refresh_value(source_id: str | None) -> str:
    """Return the value of a button that asks for a refresh of one source, or of everything."""
    scope = Scope(everything=source_id is None, source_ids=(source_id,) if source_id else ())
    # It only asks: the card that it brings has an id of its own, and the page stays the same while nothing changes.
    return values.pack("home", scope)
