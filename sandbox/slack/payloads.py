"""What Slack sends to an app: shapes as in the collected payloads, encodings as on the wire."""

import json
from urllib.parse import urlencode

from sandbox.slack.core import Core
from sandbox.slack.errors import Json
from sandbox.slack.messages import Message
from sandbox.slack.views import View
from sandbox.slack.world import Channel, Person

#: The legacy token that proves nothing; Slack still sends it.
_LEGACY_TOKEN = "sandbox-legacy-token"


def as_json(payload: Json) -> bytes:
    """Encode as Slack does: ASCII, no spaces, slashes escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def as_form(fields: dict[str, str]) -> bytes:
    """Encode the fields of a form."""
    return urlencode(fields).encode()


def command(
    core: Core, person: Person, channel: Channel, words: tuple[str, str], rights: tuple[str, str]
) -> dict[str, str]:
    """Return the fields of a slash command; `words` are command and text, `rights` trigger_id and response_url."""
    team, enterprise = core.world.teams[channel.team], _enterprise(core, channel.team)
    of_enterprise = {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]} if enterprise else {}
    return {
        "token": _LEGACY_TOKEN,
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": words[0],
        "text": words[1],
        "api_app_id": core.world.app.id,
        "is_enterprise_install": "true" if enterprise else "false",
        **of_enterprise,
        "response_url": rights[1],
        "trigger_id": rights[0],
    }


def interaction(core: Core, kind: str, team: str, person: Person) -> Json:
    """Return what all interactions have in common; `team` is where the app is installed."""
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "api_app_id": core.world.app.id,
        "token": _LEGACY_TOKEN,
        "team": {"id": team, "domain": core.world.teams[team].domain},
        "enterprise": _enterprise(core, team),
        "is_enterprise_install": _enterprise(core, team) is not None,
    }


def _enterprise(core: Core, team: str) -> Json | None:
    """Return the enterprise that installed the app for a team, if one did."""
    installed = core.world.app.installations.get(team)
    if installed is None or installed.enterprise is None:
        return None
    return {"id": installed.enterprise, "name": core.world.enterprises[installed.enterprise]}


def message_click(core: Core, person: Person, message: Message, action: Json, rights: tuple[str, str]) -> Json:
    """Return the block_actions payload of an element in a message."""
    channel = core.world.channels[message.channel]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    payload = interaction(core, "block_actions", channel.team, person) | {
        "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "trigger_id": rights[0],
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "state": {"values": {}},
        "response_url": rights[1],
        "actions": [action],
    }
    # Slack leaves the message out of the payload when it is ephemeral.
    return payload if message.ephemeral_to else payload | {"message": message.wire()}


def shortcut(core: Core, person: Person, callback: str, trigger: str) -> Json:
    """Return the payload of a global shortcut: it happens nowhere in particular."""
    chosen = {"callback_id": callback, "trigger_id": trigger, "action_ts": core.stamps.ts()}
    return interaction(core, "shortcut", person.team, person) | chosen


def message_shortcut(core: Core, person: Person, message: Message, callback: str, rights: tuple[str, str]) -> Json:
    """Return the payload of a shortcut that was chosen on a message."""
    channel = core.world.channels[message.channel]
    return interaction(core, "message_action", channel.team, person) | {
        "callback_id": callback,
        "trigger_id": rights[0],
        "response_url": rights[1],
        "action_ts": core.stamps.ts(),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "message": message.wire(),
    }


def view_click(core: Core, person: Person, view: View, action: Json, trigger: str) -> Json:
    """Return the block_actions payload of an element in a modal or Home tab."""
    return interaction(core, "block_actions", view.team, person) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger,
        "view": core.view_wire(view),
        "actions": [action],
    }


def suggestion(core: Core, person: Person, view: View, asked: tuple[str, str], typed: str) -> Json:
    """Return the payload of what is typed into a menu that asks the app; `asked` is block_id and action_id."""
    return interaction(core, "block_suggestion", view.team, person) | {
        "container": {"type": "view", "view_id": view.id},
        "block_id": asked[0],
        "action_id": asked[1],
        "value": typed,
        "view": core.view_wire(view),
    }


def view_submission(core: Core, person: Person, view: View, trigger: str) -> Json:
    """Return the payload of a submitted modal."""
    return interaction(core, "view_submission", view.team, person) | {
        "trigger_id": trigger,
        "view": core.view_wire(view),
        "response_urls": [],
    }


def view_closed(core: Core, person: Person, view: View, *, cleared: bool) -> Json:
    """Return the payload of a modal that was closed without being submitted."""
    shown = {"view": core.view_wire(view), "is_cleared": cleared, "response_urls": []}
    return interaction(core, "view_closed", view.team, person) | shown


def event(core: Core, team: str, inner: Json, event_id: str) -> Json:
    """Return the envelope of an event."""
    app = core.world.app
    installed = app.installations[team]
    channel = core.world.channels.get(str(inner.get("channel")))
    return {
        "token": _LEGACY_TOKEN,
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": installed.enterprise,
        "api_app_id": app.id,
        "event": inner,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(core.clock.now().timestamp()),
        "authorizations": [
            {
                "enterprise_id": installed.enterprise,
                "team_id": team,
                "user_id": installed.bot_user,
                "is_bot": True,
                "is_enterprise_install": installed.enterprise is not None,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": f"4-{inner['type']}-{team}-{event_id}",
    }


def said(message: Message, kind: str, channel: Channel, author: Person) -> Json:
    """Return the inner event of a message (`message`, `app_mention`)."""
    inner: Json = message.wire(with_metadata=False) | {
        "type": kind,
        "channel": channel.id,
        "event_ts": message.ts,
        "user_team": author.team,
        "source_team": author.team,
    }
    if kind == "message":
        inner["channel_type"] = channel.kind
    return inner
