"""What the Slack app asks for: `manifest.yaml`, the only list of scopes, commands, events and addresses."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

#: Stands in the file for where Slack and browsers reach us.
PLACEHOLDER = "https://tidings.example"

#: What each scope is asked for, as the page says it before anybody installs; a test holds both against the file.
MAY: dict[str, str] = {
    "app_mentions:read": "read messages that mention it, and direct messages to it",
    "assistant:write": "suggest questions in its Messages tab",
    "channels:history": "look whether a message of its own has arrived, in channels where it is a member",
    "channels:read": "see whether a channel is shared with another company",
    "chat:write": "send messages as Tidings",
    "commands": "take the command /data and its shortcuts",
    "groups:history": "look whether a message of its own has arrived, in channels where it is a member",
    "groups:read": "see whether a channel is shared with another company",
    "im:history": "read messages that mention it, and direct messages to it",
    "im:write": "write to people directly",
    "usergroups:read": "see who is in a user group, for roles that an admin gave to a group",
    "users:read": "see who asks: a full member, a guest, somebody from outside",
    "users:read.email": "see e-mail addresses; mail is sent only to people who said yes",
}
#: What does not work without a scope, in plain words; a test holds it against the file.
LOST: dict[str, str] = {
    "app_mentions:read": "mentioning Tidings in a channel",
    "assistant:write": "suggested questions in the Messages tab",
    "channels:history": "finding out whether a post in a channel arrived, so a lost one is not sent again",
    "channels:read": "posting in channels that an admin allowed",
    "chat:write": "every message",
    "commands": "the command /data and the shortcuts",
    "groups:history": "finding out whether a post in a private channel arrived, so a lost one is not sent again",
    "groups:read": "posting in private channels that an admin allowed",
    "im:history": "questions by direct message",
    "im:write": "direct messages: confirmations, warnings, codes",
    "usergroups:read": "roles by user group",
    "users:read": "knowing who asks, so nobody is let in",
    "users:read.email": "confirmations by e-mail",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of the file that code needs."""

    scopes: frozenset[str]
    commands: frozenset[str]
    #: callback id -> where it is chosen: global, message
    shortcuts: dict[str, str]
    events: frozenset[str]
    redirect_urls: tuple[str, ...]
    request_urls: frozenset[str]

    def missing(self, granted: frozenset[str]) -> tuple[str, ...]:
        """Return the scopes that are not granted, by name."""
        return tuple(sorted(self.scopes - granted))


def granted(said: str) -> frozenset[str]:
    """Read the list of scopes that Slack gave: with commas, in an answer or in the header of one."""
    return frozenset(scope.strip() for scope in said.split(",") if scope.strip())


@cache
def manifest() -> Manifest:
    """Return what the app asks for."""
    found = _document()
    features, settings = found["features"], found["settings"]
    subscriptions, interactivity = settings["event_subscriptions"], settings["interactivity"]
    urls = [subscriptions["request_url"], interactivity["request_url"]]
    return Manifest(
        scopes=frozenset(found["oauth_config"]["scopes"]["bot"]),
        commands=frozenset(command["command"] for command in features["slash_commands"]),
        shortcuts={one["callback_id"]: one["type"] for one in features["shortcuts"]},
        events=frozenset(subscriptions["bot_events"]),
        redirect_urls=tuple(found["oauth_config"]["redirect_urls"]),
        request_urls=frozenset([*urls, *(command["url"] for command in features["slash_commands"])]),
    )


def text_for(public_url: str, *, socket_mode: bool) -> str:
    """Return the file for one installation of the product, to be pasted at Slack."""
    text = _text().replace(PLACEHOLDER, public_url.rstrip("/"))
    return text.replace("socket_mode_enabled: false", "socket_mode_enabled: true") if socket_mode else text


def _text() -> str:
    return (files("jobs") / "manifest.yaml").read_text("utf-8")


def _document() -> dict[str, Any]:
    # Here: most commands need no scopes, and the reader of YAML is not small.
    import yaml

    found: dict[str, Any] = yaml.safe_load(_text())
    return found
