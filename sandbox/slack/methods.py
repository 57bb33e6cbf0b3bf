"""The table of Web API methods: what each needs, knows and does."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack import methods_agent, methods_chat, methods_people, methods_views, oauth_install
from sandbox.slack.core import Core
from sandbox.slack.errors import Json
from sandbox.slack.world import Installation

_ANY_CHANNEL = ("channels", "groups", "im")


@dataclass(frozen=True, slots=True)
class Method:
    """One method; an argument that is not in `arguments` is refused, which Slack would silently ignore."""

    run: Callable[[Core, Installation, Json], Json]
    arguments: frozenset[str]
    #: one of these is needed; empty: none
    scopes: tuple[str, ...] = ()


def _method(run: Callable[[Core, Installation, Json], Json], arguments: str, *scopes: str) -> Method:
    return Method(run, frozenset(arguments.split()), scopes)


METHODS: dict[str, Method] = {
    "assistant.threads.setSuggestedPrompts": _method(
        methods_agent.suggest, "channel_id thread_ts title prompts", "assistant:write"
    ),
    "assistant.threads.setStatus": _method(
        methods_agent.set_status, "channel_id thread_ts status loading_messages", "chat:write", "assistant:write"
    ),
    "auth.test": _method(methods_people.auth_test, ""),
    "auth.revoke": _method(oauth_install.revoke_own, "test"),
    "auth.teams.list": _method(methods_people.team_list, "limit cursor include_icon"),
    "apps.uninstall": _method(oauth_install.uninstall_own, "client_id client_secret"),
    "blocks.validate": _method(methods_views.validate, "blocks message view"),
    "chat.postMessage": _method(
        methods_chat.post_message,
        "channel text blocks metadata thread_ts reply_broadcast unfurl_links unfurl_media mrkdwn parse link_names",
        "chat:write",
    ),
    "chat.postEphemeral": _method(
        methods_chat.post_ephemeral, "channel user text blocks thread_ts link_names parse", "chat:write"
    ),
    "chat.update": _method(
        methods_chat.update, "channel ts text blocks metadata link_names parse reply_broadcast", "chat:write"
    ),
    "chat.delete": _method(methods_chat.delete, "channel ts", "chat:write"),
    "conversations.history": _method(
        methods_chat.history,
        "channel limit cursor oldest latest inclusive include_all_metadata",
        *(f"{kind}:history" for kind in _ANY_CHANNEL),
    ),
    "conversations.replies": _method(
        methods_chat.replies,
        "channel ts limit cursor oldest latest inclusive include_all_metadata",
        *(f"{kind}:history" for kind in _ANY_CHANNEL),
    ),
    "conversations.info": _method(
        methods_chat.info,
        "channel include_locale include_num_members",
        *(f"{kind}:read" for kind in _ANY_CHANNEL),
    ),
    "conversations.open": _method(methods_chat.open_direct, "users return_im prevent_creation", "im:write"),
    "conversations.members": _method(
        methods_chat.members, "channel limit cursor", *(f"{kind}:read" for kind in _ANY_CHANNEL)
    ),
    "usergroups.users.list": _method(methods_people.group_people, "usergroup include_disabled", "usergroups:read"),
    "users.info": _method(methods_people.user_info, "user include_locale", "users:read"),
    "users.list": _method(methods_people.user_list, "limit cursor include_locale team_id", "users:read"),
    "users.profile.get": _method(
        methods_people.user_profile, "user include_labels", "users.profile:read", "users:read"
    ),
    "views.open": _method(methods_views.open_modal, "trigger_id view"),
    "views.push": _method(methods_views.push, "trigger_id view"),
    "views.update": _method(methods_views.update, "view view_id external_id hash"),
    "views.publish": _method(methods_views.publish, "user_id view hash"),
}
