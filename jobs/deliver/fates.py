"""What an answer of Slack or of a mail server means for a message: the one table of permanent and passing refusals."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from jobs.installs.tokens import UNREADABLE


class Fate(StrEnum):
    """What follows from a refusal."""

    #: it passes by itself: the same call is made again
    LATER = "later"
    #: an operator or admin mends it, and what was to be said is still worth saying then
    SET_UP = "set_up"
    #: some of it may have happened: look, and only then send again
    UNCLEAR = "unclear"
    #: nothing can be said there any more: another way is taken, and an admin is told once
    PLACE = "place"
    #: the place may be well, but this message is not taken: another way is taken
    MESSAGE = "message"


#: Slack does not say this: Tidings was removed from the workspace, and no waiting helps.
WORKSPACE_CLOSED = "workspace_closed"
#: Our own reasons: an admin took the channel back, or somebody from outside reads along.
NOT_ALLOWED, SHARED = "no admin allowed this channel", "the channel is shared with another company"

_SLACK: Mapping[Fate, str] = {
    Fate.LATER: "ratelimited rate_limited service_unavailable team_added_to_org external_channel_migrating",
    Fate.SET_UP: (
        f"invalid_auth not_authed token_revoked token_expired account_inactive team_not_installed {UNREADABLE}"
    ),
    Fate.UNCLEAR: "internal_error fatal_error request_timeout",
    Fate.PLACE: (
        f"{WORKSPACE_CLOSED} channel_not_found is_archived not_in_channel restricted_action"
        " restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_thread_locked"
        " restricted_action_non_threadable_channel posting_to_general_channel_denied user_not_found users_not_found"
        " user_disabled user_not_visible users_list_not_supplied cannot_dm_bot messages_tab_disabled"
        " method_not_supported_for_channel_type channel_type_not_supported team_access_not_granted team_not_found"
        " enterprise_is_restricted user_is_restricted access_denied missing_scope no_permission ekm_access_denied"
        " not_allowed_token_type org_login_required two_factor_setup_required is_inactive"
    ),
    Fate.MESSAGE: (
        "msg_too_long invalid_blocks invalid_blocks_format msg_blocks_too_long no_text too_many_attachments"
        " invalid_arguments invalid_arg_name invalid_post_type invalid_form_data invalid_json json_not_object"
        " invalid_metadata_format invalid_metadata_schema metadata_too_large metadata_must_be_sent_from_app"
        " markdown_text_conflict cannot_reply_to_message thread_not_found message_not_found cant_update_message"
        " duplicate_message_not_found edit_window_closed attachment_payload_limit_exceeded deprecated_endpoint"
        " method_deprecated as_user_not_supported slack_connect_canvas_sharing_blocked"
        " slack_connect_file_link_sharing_blocked"
    ),
}
SLACK: Mapping[str, Fate] = MappingProxyType({code: fate for fate, codes in _SLACK.items() for code in codes.split()})

_LOGIN_REFUSALS = frozenset({530, 534, 535, 538})
#: Without a second number: no such mailbox, moved away, full, no such name.
_DEAD_CODES = frozenset({550, 551, 552, 553})
_ENHANCED = re.compile(r"\s*5\.([0-9])\.[0-9]{1,3}\b", re.ASCII)
#: The second number of RFC 3463: 1 is the address, 2 the mailbox.
_ADDRESS, _MAILBOX = "1", "2"


def of_slack(code: str) -> Fate:
    """Return what a code of Slack means; what nobody knows is no reason to send the same again for a day."""
    return SLACK.get(code, Fate.MESSAGE)


def of_mail(code: int, said: str, *, recipient: bool) -> Fate:
    """Return what a mail server's refusal means. `recipient`: it was said of the address, not of sender or text."""
    if not 500 <= code < 600:
        return Fate.LATER
    if code in _LOGIN_REFUSALS:
        return Fate.SET_UP
    told = _ENHANCED.match(said)
    if told is not None:
        return Fate.PLACE if told[1] in {_ADDRESS, _MAILBOX} else Fate.MESSAGE
    return Fate.PLACE if recipient and code in _DEAD_CODES else Fate.MESSAGE
