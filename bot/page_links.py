"""**See this as a page**: a link of one's own to the pictures and the table behind an answer."""

from bot.case import Case
from bot.reply import Reply
from storage.facts.sources import Source
from templates.notices import sheets as words
from templates.words import source_title


async def pressed(case: Case) -> Reply:
    """Return a link to the page of the source or metric that the answer is about."""
    found = await case.services.pages.link(case.actor, case.request.value)
    about = found.about
    name = f"The history of {source_title(about)}" if isinstance(about, Source) else about.name
    return case.say(words.page_link(name, found.url, found.until))
