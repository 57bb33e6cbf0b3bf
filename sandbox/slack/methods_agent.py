"""Web API: the Messages tab of an agent. Slack writes few limits down here; where it does not, ours are narrow."""

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.shapes import Report, array, shape, string
from sandbox.slack.tabs import Prompts
from sandbox.slack.world import Installation

#: Slack shows up to four; the lengths are ours.
_MOST_PROMPTS, _TITLE, _MESSAGE, _STATUS = 4, 75, 300, 100
_PROMPTS = array(shape({"title": string(_TITLE), "message": string(_MESSAGE)}), _MOST_PROMPTS)


def suggest(core: Core, app: Installation, args: Json) -> Json:
    """Suggest what to say in the Messages tab (`assistant.threads.setSuggestedPrompts`)."""
    if not core.world.app.agent:
        raise Refusal("not_agent_app")
    if args.get("thread_ts"):
        # Slack takes it and shows nothing.
        raise Refusal("invalid_arguments", "an agent suggests for no thread [json-pointer:/thread_ts]")
    channel = core.channel_of(app, args.get("channel_id"), member=True)
    report = Report()
    _PROMPTS(args.get("prompts"), "/prompts", report)
    string(_TITLE, 0)(args.get("title", ""), "/title", report)
    _refuse(report)
    prompts = tuple((each["title"], each["message"]) for each in args["prompts"])
    core.tabs.suggest(channel.id, Prompts(args.get("title", ""), prompts))
    core.journal.changed()
    return {}


def set_status(core: Core, app: Installation, args: Json) -> Json:
    """Say what the app is doing in a thread, or take that back (`assistant.threads.setStatus`)."""
    channel = core.channel_of(app, args.get("channel_id"), member=True)
    report = Report()
    string(_STATUS, 0)(args.get("status"), "/status", report)
    _refuse(report)
    thread_ts = str(args.get("thread_ts"))
    if core.rooms.store.get(channel.id, thread_ts) is None:
        raise Refusal("invalid_thread_ts")
    core.tabs.say(channel.id, thread_ts, args["status"])
    core.journal.changed()
    return {}


def _refuse(report: Report) -> None:
    if report.problems:
        raise Refusal("invalid_arguments", *report.problems)
