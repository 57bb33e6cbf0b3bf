"""Web API: messages and conversations."""

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.messages import Message
from sandbox.slack.world import Channel, Installation

#: Largest JSON of a message's metadata.
_METADATA_BYTES = 8000


def post_message(core: Core, app: Installation, args: Json) -> Json:
    """Post into a channel, a thread or a direct message (`chat.postMessage`)."""
    channel = core.channel_of(app, args.get("channel"), member=True)
    thread_ts = args.get("thread_ts")
    if args.get("reply_broadcast") and not thread_ts:
        raise Refusal("invalid_arguments", "reply_broadcast needs thread_ts [json-pointer:/reply_broadcast]")
    message = core.rooms.post(
        core.bot(app.team), channel, args.get("text") or "", args.get("blocks"), via="chat.postMessage",
        metadata=_metadata(args), thread_ts=thread_ts, broadcast=bool(args.get("reply_broadcast")),
    )  # fmt: skip
    return {"channel": channel.id, "ts": message.ts, "message": message.wire()}


def post_ephemeral(core: Core, app: Installation, args: Json) -> Json:
    """Post what one person sees (`chat.postEphemeral`); that person has to be in the channel."""
    channel = core.channel_of(app, args.get("channel"), member=True)
    if args.get("user") not in channel.people:
        raise Refusal("user_not_in_channel")
    message = core.rooms.post(
        core.bot(app.team), channel, args.get("text") or "", args.get("blocks"), kind="ephemeral",
        via="chat.postEphemeral", thread_ts=args.get("thread_ts"), ephemeral_to=args["user"],
    )  # fmt: skip
    return {"message_ts": message.ts}


def update(core: Core, app: Installation, args: Json) -> Json:
    """Edit a message of the app's own (`chat.update`)."""
    message = _own(core, app, args, "cant_update_message")
    core.rooms.edit(message, args.get("text"), args.get("blocks"), _metadata(args, keep=True), via="chat.update")
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.wire()}


def delete(core: Core, app: Installation, args: Json) -> Json:
    """Delete a message of the app's own (`chat.delete`)."""
    message = _own(core, app, args, "cant_delete_message")
    core.rooms.delete(message, via="chat.delete")
    return {"channel": message.channel, "ts": message.ts}


def history(core: Core, app: Installation, args: Json) -> Json:
    """Read a channel, newest first, threads left out (`conversations.history`)."""
    channel = core.channel_of(app, args.get("channel"), member=True)
    _may(app, channel, "history")
    shown = [
        message for message in core.rooms.store.seen(channel.id, None) if not message.is_reply or message.broadcast
    ]
    shown = [message for message in shown if _between(message, args)]
    return _page(shown[::-1], args)


def replies(core: Core, app: Installation, args: Json) -> Json:
    """Read a thread, oldest first (`conversations.replies`)."""
    channel = core.channel_of(app, args.get("channel"), member=True)
    _may(app, channel, "history")
    found = core.rooms.store.replies(channel.id, str(args.get("ts")), None)
    if not found:
        raise Refusal("thread_not_found")
    return _page([message for message in found if _between(message, args)], args)


def info(core: Core, app: Installation, args: Json) -> Json:
    """Describe a channel (`conversations.info`)."""
    channel = core.channel_of(app, args.get("channel"), member=False)
    _may(app, channel, "read")
    return {"channel": _channel(channel, app)}


def open_direct(core: Core, app: Installation, args: Json) -> Json:
    """Return the direct message with a person (`conversations.open`)."""
    users = str(args.get("users") or "").split(",")
    person = core.world.people.get(users[0])
    if person is None or person.team != app.team or person.bot_id:
        raise Refusal("user_not_found")
    if person.deleted:
        raise Refusal("user_disabled")
    if len(users) > 1:
        raise Refusal("method_not_supported_for_channel_type")
    channel = core.world.direct(person.id)
    return {"channel": _channel(channel, app) if args.get("return_im") else {"id": channel.id}}


def members(core: Core, app: Installation, args: Json) -> Json:
    """List who is in a channel (`conversations.members`)."""
    channel = core.channel_of(app, args.get("channel"), member=False)
    _may(app, channel, "read")
    return {"members": sorted(channel.people), "response_metadata": {"next_cursor": ""}}


def _may(app: Installation, channel: Channel, what: str) -> None:
    """Refuse a read for which the scope of this kind of channel is missing."""
    kind = {"channel": "channels", "group": "groups", "im": "im"}[channel.kind]
    if f"{kind}:{what}" not in app.scopes:
        raise Refusal("missing_scope", needed=f"{kind}:{what}", provided=",".join(sorted(app.scopes)))


def _own(core: Core, app: Installation, args: Json, error: str) -> Message:
    channel = core.channel_of(app, args.get("channel"), member=False)
    message = core.rooms.store.get(channel.id, str(args.get("ts")))
    if message is None or message.ephemeral_to:
        raise Refusal("message_not_found")
    if message.user != app.bot_user:
        raise Refusal(error)
    return message


def _metadata(args: Json, *, keep: bool = False) -> Json | None:
    metadata = args.get("metadata")
    if metadata is None or (keep and metadata == {}):
        return None if metadata is None else {}
    well_formed = (
        isinstance(metadata, dict)
        and set(metadata) <= {"event_type", "event_payload", "entities"}
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
    if not well_formed:
        raise Refusal("invalid_metadata_format")
    if len(str(metadata)) > _METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return dict(metadata)


def _between(message: Message, args: Json) -> bool:
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "9999999999.999999")
    if args.get("inclusive"):
        return float(oldest) <= float(message.ts) <= float(latest)
    return float(oldest) < float(message.ts) < float(latest)


def _page(found: list[Message], args: Json) -> Json:
    start = int(args.get("cursor") or 0)
    end = start + max(1, min(int(args.get("limit") or 100), 999))
    more = end < len(found)
    return {
        "messages": [
            message.wire(with_metadata=bool(args.get("include_all_metadata"))) for message in found[start:end]
        ],
        "has_more": more,
        "response_metadata": {"next_cursor": str(end) if more else ""},
    }


def _channel(channel: Channel, app: Installation) -> Json:
    common = {
        "id": channel.id,
        "is_im": channel.is_im,
        "is_channel": not channel.is_im and not channel.is_private,
        "is_group": channel.is_private,
        "is_mpim": False,
        "is_archived": False,
        "is_private": channel.is_private or channel.is_im,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "context_team_id": app.team,
    }
    if channel.is_im:
        return common | {"user": next(iter(channel.people - {app.bot_user}), app.bot_user), "is_open": True}
    named = {"name": channel.name, "name_normalized": channel.name, "is_general": channel.name == "general"}
    return common | named | {
        "is_member": app.bot_user in channel.people,
        "num_members": len(channel.people),
        "shared_team_ids": [channel.team, *sorted(channel.shared_with)],
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
    }  # fmt: skip
