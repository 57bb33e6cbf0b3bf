"""`/data notify quiet 20:00-07:30`: the hours in which one wants to hear nothing."""

from collections.abc import Sequence

from bot.case import Case
from bot.reply import Reply
from jobs.subscriptions.quieting import read_quiet
from templates.notices import quiet as words

_OFF = frozenset({"off", "none", "never", "no"})


async def quiet(case: Case, said: Sequence[str]) -> Reply:
    """Show the person's quiet hours; with hours behind it, save them."""
    service = case.services.quiet
    if not said:
        return case.say(words.quiet_shown(await service.mine(case.actor)))
    if len(said) == 1 and said[0] in _OFF:
        return case.say(words.quiet_shown(await service.choose(case.actor, None, case.trigger), changed=True))
    hours = read_quiet(" ".join(said))
    if hours is None:
        return case.say(words.quiet_refused(" ".join(said)))
    return case.say(words.quiet_shown(await service.choose(case.actor, hours, case.trigger), changed=True))
