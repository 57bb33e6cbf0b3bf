"""`/data metrics` and `/data metric`: numbers that are calculated from QuickBooks."""

from bot.case import Case
from bot.reply import Reply
from jobs.errors import NotFoundError
from templates.notices import metrics as words


async def metrics(case: Case) -> Reply:
    """Show all metrics with their latest values, as-of and state."""
    who = await case.names()
    return case.say(words.metrics_list(who.organization, await case.services.metrics.all(case.actor), case.now))


async def metric(case: Case) -> Reply:
    """Show the metric that the words name; without a name, all of them."""
    name = case.about.strip()
    if not name:
        return await metrics(case)
    try:
        found = await case.services.metrics.one(case.actor, name)
    except NotFoundError:
        return case.say(words.metric_missing(name))
    return case.say(words.metric_shown(found, case.now))
