"""What a person did in Slack, as one value; every surface, HTTP and Socket Mode read through here.

Whoever acts is always the person named by Slack in the signed body, and the workspace is the one that the body came
from. Objects that the person names (button values, typed names) are only text here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from bot.payloads import Json, MalformedError, text_of
from jobs.deliver.slack import EVENT_TYPE
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret

_ID = re.compile(r"[A-Z][A-Z0-9]{1,39}")
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")
_KEY = re.compile(r"[\x21-\x7e]{1,250}")
_MOST_WORDS = 4000
_MOST_INPUTS = 50
_MOST_CHOSEN = 100
_MOST_FORM_KEY = 255
_MOST_VIEW = 20
_MOST_DELIVERY = 100
_HOOKS = "https://hooks.slack.com/"


class Kind(StrEnum):
    """Where it happened."""

    COMMAND = "command"
    ACTION = "action"
    #: a form was sent
    SUBMIT = "submit"
    #: the bot was mentioned in a channel
    MENTION = "mention"
    #: a direct message to the bot
    DIRECT = "direct"
    HOME = "home"
    #: the Messages tab of the app was opened
    TALK = "talk"
    #: from the menu of Slack itself, or from that of a message
    SHORTCUT = "shortcut"
    #: something was typed into a menu that asks what it may offer
    SEARCH = "search"
    #: somebody's account or profile changed
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that one person did."""

    kind: Kind
    #: who, with the person's own workspace
    identity: SlackIdentity
    #: the workspace where it happened
    team_id: str
    channel_id: str
    #: unique for what happened: trigger id, the form that was sent, or the message of an event
    trigger: str
    #: the name of the button, the form, or the command
    name: str = ""
    #: what was typed
    words: str = ""
    #: what the button or the form carries
    value: str = ""
    response_url: Secret | None = None
    thread_ts: str | None = None
    #: the message with the button, where Slack names it
    message_ts: str | None = None
    #: what Slack says about the account, for profile changes
    profile: Mapping[str, Any] | None = None
    #: the form in which something was pressed, where we named it
    form_key: str = ""
    #: where it was pressed, if not on a message: ``home`` or ``modal``
    view: str = ""
    #: what the form carries in which it was pressed
    private: str = ""
    #: what was typed and chosen in a form, by the name of the input
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """Whether the person belongs to another workspace than the one where it happened."""
        return self.identity.team_id != self.team_id


class Reader:
    """Reads interactions; knows which hosts a response_url may name."""

    def __init__(self, api_url: str) -> None:
        self._own = _origin(api_url)
        scheme, host, port = self._own
        #: Nothing behind the slash can move the host any more; most addresses end here.
        self._sure = (_HOOKS, f"{scheme}://{host}:{port}/")

    def read(self, body: Json) -> Interaction | None:
        """Return what happened; None for what we do not answer, MalformedError for what Slack never sends."""
        if "command" in body:
            return self._command(body)
        match body.get("type"):
            case "block_actions":
                return self._action(body)
            case "view_submission" | "block_suggestion":
                return _in_form(body)
            case "shortcut" | "message_action":
                return self._shortcut(body)
            case "event_callback":
                return _event(body)
            case _:
                return None

    def _command(self, body: Json) -> Interaction:
        team = _id(body, "team_id")
        return Interaction(
            Kind.COMMAND,
            SlackIdentity(team, _id(body, "user_id")),
            team,
            _id(body, "channel_id"),
            _key(body, "trigger_id"),
            name=_name(text_of(body, "command")),
            words=text_of(body, "text")[:_MOST_WORDS],
            response_url=self._response_url(body),
        )

    def _action(self, body: Json) -> Interaction:
        actions = body.get("actions")
        if not isinstance(actions, list) or len(actions) != 1 or not isinstance(actions[0], dict):
            raise MalformedError("actions")
        name, value = _pressed(actions[0])
        team = _id(body, "team", "id")
        channel = text_of(body, "channel", "id")
        return Interaction(
            Kind.ACTION,
            SlackIdentity(
                _id(body, "user", "team_id") if text_of(body, "user", "team_id") else team, _id(body, "user", "id")
            ),
            team,
            _matching(_ID, channel, "channel") if channel else "",
            _key(body, "trigger_id"),
            name=name,
            value=value,
            response_url=self._response_url(body),
            thread_ts=_thread(text_of(body, "container", "thread_ts")),
            message_ts=_ts(text_of(body, "container", "message_ts"), "message_ts"),
            form_key=text_of(body, "view", "external_id")[:_MOST_FORM_KEY],
            view=text_of(body, "view", "type")[:_MOST_VIEW],
            private=text_of(body, "view", "private_metadata")[:_MOST_WORDS],
            fields=_filled_in(body),
        )

    def _shortcut(self, body: Json) -> Interaction:
        """Return a shortcut; of a message only which delivery of ours it is, its words are not looked at."""
        team = _id(body, "team", "id")
        home = text_of(body, "user", "team_id") or team
        channel = text_of(body, "channel", "id")
        return Interaction(
            Kind.SHORTCUT,
            SlackIdentity(_matching(_ID, home, "team_id"), _id(body, "user", "id")),
            team,
            _matching(_ID, channel, "channel") if channel else "",
            _key(body, "trigger_id"),
            name=_name(text_of(body, "callback_id")),
            value=_delivery(body),
            response_url=self._response_url(body),
            thread_ts=_thread(text_of(body, "message", "thread_ts")),
            message_ts=_ts(text_of(body, "message_ts"), "message_ts"),
        )

    def _response_url(self, body: Json) -> Secret | None:
        url = text_of(body, "response_url")
        if not url:
            return None
        if not self.may_post_to(url):
            raise MalformedError("response_url")
        return Secret(url)

    def may_post_to(self, url: str) -> bool:
        """Whether an answer may go there: to Slack, or to the workspace that the settings name; nowhere else."""
        if url.startswith(self._sure):
            return True
        try:
            parts = urlsplit(url)
            if parts.username is not None or parts.password is not None:
                return False
            origin = _origin(url)
        except ValueError:
            return False
        return origin in (_origin(_HOOKS), self._own)


def _pressed(action: Json) -> tuple[str, str]:
    """Return the button that was pressed and its value; an entry of a menu, and a thumb, stand for a button."""
    if action.get("type") == "static_select":
        return _name(text_of(action, "action_id")), text_of(action, "selected_option", "value")[:_MOST_WORDS]
    if action.get("type") == "feedback_buttons":
        name, _, value = text_of(action, "value").partition(" ")
        return _name(name), value[:_MOST_WORDS]
    if action.get("type") != "overflow":
        return _name(text_of(action, "action_id")), text_of(action, "value")[:_MOST_WORDS]
    name, _, value = text_of(action, "selected_option", "value").partition(" ")
    return _name(name), value[:_MOST_WORDS]


def _delivery(body: Json) -> str:
    """Return which delivery of ours a message is, by what we wrote into its metadata; empty for other messages."""
    ours = text_of(body, "message", "app_id") in ("", text_of(body, "api_app_id")) and text_of(
        body, "message", "bot_id"
    )
    if not ours or text_of(body, "message", "metadata", "event_type") != EVENT_TYPE:
        return ""
    return text_of(body, "message", "metadata", "event_payload", "delivery")[:_MOST_DELIVERY]


def _in_form(body: Json) -> Interaction:
    """Return a form that was sent, or what is typed into a menu of it that asks what it may offer.

    The same open form is one thing: sent twice, it has its effect once.
    """
    view = body.get("view")
    if not isinstance(view, dict):
        raise MalformedError("view")
    # In a shared channel `team` is the sender's own workspace; the form belongs to the one where the app is installed.
    team = text_of(view, "app_installed_team_id") or text_of(body, "team", "id")
    home = text_of(body, "user", "team_id") or text_of(body, "team", "id")
    typed = body["type"] == "block_suggestion"
    return Interaction(
        Kind.SEARCH if typed else Kind.SUBMIT,
        SlackIdentity(_matching(_ID, home, "team_id"), _id(body, "user", "id")),
        _matching(_ID, team, "team"),
        "",
        f"{'search' if typed else 'form'}:{_id(view, 'id')}",
        name=_name(text_of(body, "action_id") if typed else text_of(view, "callback_id")),
        words=text_of(body, "value")[:_MOST_WORDS] if typed else "",
        value=text_of(view, "private_metadata")[:_MOST_WORDS],
        fields=_fields(view),
    )


def _filled_in(body: Json) -> dict[str, str]:
    """Return what stands in the form in which something was pressed; on a page nothing is filled in."""
    view = body.get("view")
    modal = isinstance(view, dict) and view.get("type") == "modal" and "state" in view
    return _fields(view) if modal and isinstance(view, dict) else {}


def _fields(view: Json) -> dict[str, str]:
    """Return the answers of the inputs; each of ours is a block whose one element has the block's own name."""
    state = view.get("state")
    blocks = state.get("values", {}) if isinstance(state, dict) else None
    if not isinstance(blocks, dict) or len(blocks) > _MOST_INPUTS:
        raise MalformedError("state")
    found = {}
    for name, elements in blocks.items():
        element = elements.get(name) if isinstance(elements, dict) else None
        if isinstance(element, dict):
            found[name] = _filled(element)
    return found


def _filled(element: Json) -> str:
    """Return what stands in an input: the words, the value that was chosen, or each of several on a line of its own."""
    several = element.get("selected_options")
    if not isinstance(several, list):
        return (text_of(element, "value") or text_of(element, "selected_option", "value"))[:_MOST_WORDS]
    values = [text_of(one, "value") if isinstance(one, dict) else "" for one in several]
    if len(values) > _MOST_CHOSEN or not all(_KEY.fullmatch(value) for value in values):
        raise MalformedError("selected_options")
    return "\n".join(values)


def _event(body: Json) -> Interaction | None:
    event = body.get("event")
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise MalformedError("event")
    team = _id(body, "team_id")
    match event["type"]:
        case "app_mention":
            return _said(Kind.MENTION, event, team)
        case "message" if event.get("channel_type") == "im":
            return _said(Kind.DIRECT, event, team)
        case "app_home_opened" if event.get("tab") == "home":
            identity = SlackIdentity(team, _id(event, "user"))
            return Interaction(Kind.HOME, identity, team, "", _key(body, "event_id"))
        case "app_home_opened" if event.get("tab") == "messages":
            identity = SlackIdentity(team, _id(event, "user"))
            return Interaction(Kind.TALK, identity, team, _id(event, "channel"), _key(body, "event_id"))
        case "user_change":
            user = event.get("user")
            if not isinstance(user, dict):
                raise MalformedError("user")
            identity = SlackIdentity(text_of(user, "team_id") or team, _id(user, "id"))
            return Interaction(Kind.PROFILE, identity, team, "", _key(body, "event_id"), profile=event)
        case _:
            return None


def _said(kind: Kind, event: Json, team: str) -> Interaction | None:
    """Return a message of a person; None for edits, joins and whatever a bot says (our own words come back too)."""
    if event.get("subtype") not in (None, "file_share") or event.get("bot_id") or not event.get("user"):
        return None
    channel = _id(event, "channel")
    home = text_of(event, "user_team") or text_of(event, "team") or team
    return Interaction(
        kind,
        SlackIdentity(_matching(_ID, home, "user_team"), _id(event, "user")),
        team,
        channel,
        # A mention can arrive as two events; the message is the same.
        f"said:{channel}:{_matching(_TS, text_of(event, 'ts'), 'ts')}",
        words=text_of(event, "text")[:_MOST_WORDS],
        thread_ts=_thread(text_of(event, "thread_ts")),
    )


def _id(body: Json, *path: str) -> str:
    return _matching(_ID, text_of(body, *path), path[-1])


def _key(body: Json, *path: str) -> str:
    return _matching(_KEY, text_of(body, *path), path[-1])


def _name(text: str) -> str:
    return _matching(_KEY, text, "name")


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise MalformedError(what)
    return text


def _thread(ts: str) -> str | None:
    return _ts(ts, "thread_ts")


def _ts(ts: str, what: str) -> str | None:
    return _matching(_TS, ts, what) if ts else None


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def to_json(request: Interaction) -> dict[str, object]:
    """Return the interaction as plain JSON, for keeping it sealed until a worker plays it again."""
    return {
        "kind": request.kind.value,
        "person": [request.identity.team_id, request.identity.user_id],
        "team": request.team_id,
        "channel": request.channel_id,
        "trigger": request.trigger,
        "name": request.name,
        "words": request.words,
        "value": request.value,
        "fields": dict(request.fields),
        "response_url": request.response_url.reveal() if request.response_url else None,
        "thread_ts": request.thread_ts,
        "message_ts": request.message_ts,
        "form_key": request.form_key,
        "private": request.private,
    }


def from_json(kept: Mapping[str, Any]) -> Interaction:
    """Return the interaction that `to_json` kept."""
    team, user = kept["person"]
    url = kept["response_url"]
    return Interaction(
        Kind(kept["kind"]),
        SlackIdentity(team, user),
        kept["team"],
        kept["channel"],
        kept["trigger"],
        name=kept["name"],
        words=kept["words"],
        value=kept["value"],
        # Kept before there were forms: nothing.
        fields=kept.get("fields", {}),
        response_url=Secret(url) if url else None,
        thread_ts=kept["thread_ts"],
        # Kept by an older version: not known.
        message_ts=kept.get("message_ts"),
        form_key=kept.get("form_key", ""),
        private=kept.get("private", ""),
    )
