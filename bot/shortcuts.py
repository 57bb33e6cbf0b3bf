"""Shortcuts: refresh and connect from anywhere in Slack, and "Explain this" on a message."""

from bot import connections, opening, refreshing
from bot.case import Case
from bot.reply import Reply
from bot.why import told
from templates.notices import shortcuts as words

#: As the manifest names them.
REFRESH, CONNECT, EXPLAIN = "refresh_data", "connect_source", "explain_this"


async def refresh_data(case: Case) -> Reply:
    """Ask what to refresh, and then whether; nothing starts before that is clicked."""
    return await refreshing.choose(case)


async def connect_source(case: Case) -> Reply:
    """Show what can be connected, in a form that is open before that is looked up."""

    async def filled(_key: str) -> Reply:
        return await connections.connect(case)

    return opening.at_once(case, words.connecting(), filled)


async def explain_this(case: Case) -> Reply:
    """Explain what a message of ours is about, as `/data why` does; of any other message, say that it is not ours."""
    delivery_id = case.request.value
    if not delivery_id:
        return case.say(words.not_ours())
    about = set(await case.services.explain.about(case.actor, delivery_id))
    meant = [entry for entry in await case.services.status.all(case.actor) if entry.source.id in about]
    if not meant:
        return case.say(words.about_nothing())
    return case.say(await told(case, meant, offers=True, asks_mail=False))
