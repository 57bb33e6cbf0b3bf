"""The App Home tab: the data source index, filtered and by pages, one's own messages, and for admins the settings."""

from bot import values
from bot.case import Case
from bot.commands import manages
from bot.reply import Reply, Where
from jobs.errors import NotFoundError
from jobs.refresh.ask import Scope
from storage.facts.home import Filter, Showing
from storage.facts.people import Action
from templates.notices import index as words

_MOST_PAGE = 4


async def opened(case: Case) -> Reply:
    """Show every source, what needs a person first."""
    return await page(case, Showing())


async def shown(case: Case) -> Reply:
    """Show what was chosen: another filter, or another page of it."""
    wanted, _, number = case.request.value.partition(" ")
    if wanted not in set(Filter) or not (number.isdecimal() and number.isascii() and len(number) <= _MOST_PAGE):
        raise NotFoundError
    return await page(case, Showing(Filter(wanted), int(number)))


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
