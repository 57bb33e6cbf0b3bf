"""`/data metric Net income post to #finance`, `… csv`: where a metric goes once a week, and files of it."""

import re

from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError
from jobs.errors import NotFoundError
from jobs.metrics.post_times import read_post_time
from jobs.metrics.posting import Posted
from jobs.refresh.ask import Place
from storage.facts.messages import Message
from storage.facts.people import Action
from templates.notices import install, metric_words, metrics
from templates.notices import metrics_out as out
from templates.notices.metrics_restated import restated_list

#: Slack writes a channel that is chosen from its list as <#C0123|name>.
_POST = re.compile(
    r"(?:(?P<name>.+?)\s+)?post\s+(?:to\s+)?"
    r"(?P<where>nowhere|here|<#(?P<id>[CG][A-Z0-9]{2,20})(?:\|[^>]*)?>|#\S+)(?:,?\s+(?P<when>\S.*))?",
    re.IGNORECASE,
)
_RESTATED = re.compile(r"(?P<name>.+?)\s+restated", re.IGNORECASE)
_FILE = re.compile(r"(?P<name>.+?)\s+(?:csv|json|download)", re.IGNORECASE)


async def handed_out(case: Case, about: str) -> Reply | None:
    """Return the answer to words that say where a metric is posted, or want a file of it; None for other words."""
    moved = _RESTATED.fullmatch(about)
    if moved is not None:
        return await _restated(case, moved["name"])
    wanted = _FILE.fullmatch(about)
    return await _files(case, wanted["name"]) if wanted is not None else posting(case, about)


async def _restated(case: Case, name: str) -> Reply:
    try:
        shown, found = await case.services.metrics.restated(case.actor, name)
    except NotFoundError:
        return case.say(metrics.metric_missing(name, await case.services.making.noun(case.actor)))
    return case.say(restated_list(shown, found, metric_words.said_by(shown)))


async def pressed(case: Case) -> Reply:
    """Return links to files of the metric that a card shows."""
    return await _files(case, case.request.value)


async def _files(case: Case, wanted: str) -> Reply:
    try:
        found = await case.services.files.links(case.actor, wanted)
    except NotFoundError:
        return case.say(metrics.metric_missing(wanted, await case.services.making.noun(case.actor)))
    return case.say(out.metric_files(found.name, found.urls, found.until))


def posting(case: Case, about: str) -> Reply | None:
    """Return the answer to words that say where a metric is posted; None for other words."""
    found = _POST.fullmatch(about)
    if found is None:
        return None
    authorize(case.actor, Action.CHANGE_METRICS)
    where, name = found["where"].casefold(), found["name"]
    if where.startswith("#"):
        return case.say(out.metric_post_unclear(found["where"]))
    when = read_post_time(found["when"]) if found["when"] else None
    if (found["when"] and (when is None or where == "nowhere")) or not (name or found["when"]):
        return case.say(out.metric_post_time_unclear(found["when"] or ""))
    team_id = case.request.team_id
    place = {"nowhere": None, "here": case.place}.get(where, Place(team_id, (found["id"] or "").upper()))

    async def moved() -> Reply:
        """Slack is asked who reads along there: behind the ack."""
        try:
            if not name and place is not None and when is not None:
                return case.say(_posted(await case.services.posting.at(case.actor, place, when, case.trigger)))
            posted = await case.services.posting.post(case.actor, name, place, case.trigger, when)
            return case.say(_posted(posted))
        except NotFoundError:
            if not name:
                return case.say(out.metric_post_none())
            return case.say(metrics.metric_missing(name, await case.services.making.noun(case.actor)))
        except ChannelRefusedError as error:
            own = error.reason == "not_allowed"
            return case.say(out.metric_post_not_allowed() if own else install.channel_refused(error.reason))

    return Reply(then=moved, zone=case.zone)


def _posted(found: Posted) -> Message:
    return out.metric_posted(found.name, found.channel, found.next_at, found.when)
