"""`/data notify late here`: what the channel where it is typed is told; shown to all, changed by admins."""

from collections.abc import Mapping, Sequence

from bot import names
from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError
from jobs.errors import NotFoundError
from storage.facts.people import Action
from storage.facts.subscriptions import Topic
from templates import notices
from templates.notices import install
from templates.notices import notify_here as words

_HOW: Mapping[str, bool | None] = {"on": True, "slack": True, "off": False, "default": None}


async def here(case: Case, said: Sequence[str]) -> Reply:
    """Show what the channel is told; with a topic before ``here``, change it."""
    if not said:
        seen = await case.services.channel_choices.seen(case.actor, case.place)
        return case.say(words.channel_preferences(seen))
    authorize(case.actor, Action.MANAGE_CHANNELS)
    topics = frozenset(Topic) if said[0] == "all" else frozenset(one for one in Topic if one == said[0])
    told = _HOW.get(said[-1], True) if len(said) > 1 else True
    about = " ".join(said[1:-1] if said[-1] in _HOW else said[1:])
    if not topics:
        return case.say(words.channel_notify_refused(" ".join(said)))
    source_id = None
    if about and not names.is_everything(about):
        known = await case.services.status.connections(case.actor)
        found = names.find(about, known)
        if len(found.sources) != 1:
            return case.say(notices.unknown_source(about, [source.label for source in known], found.guess))
        source_id = found.sources[0].id

    async def chosen() -> Reply:
        """Slack is asked who reads along: behind the ack."""
        try:
            kept = await case.services.channel_choices.choose(
                case.actor, case.place, source_id, topics, told, case.trigger
            )
        except NotFoundError:
            return case.say(words.channel_not_allowed())
        except ChannelRefusedError as error:
            return case.say(install.channel_refused(error.reason))
        return case.say(words.channel_preferences(kept, changed=True))

    return Reply(then=chosen, zone=case.zone)
