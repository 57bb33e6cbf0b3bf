"""Channels: who reads along in one, and whether Tidings may speak there about a company's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Room:
    """What Slack says about a channel."""

    name: str
    #: people of other companies read along, or are invited to
    shared: bool
    private: bool
    #: whether the bot is in it
    joined: bool
    archived: bool
    #: a direct message, of two people or of several
    direct: bool = False


def room_from(channel: Mapping[str, Any]) -> Room:
    """Read Slack's channel object; what it does not say counts as the less open."""
    shared = ("is_ext_shared", "is_pending_ext_shared")
    return Room(
        name=str(channel.get("name") or channel.get("id") or ""),
        shared=any(channel.get(flag) for flag in shared) or bool(channel.get("pending_connected_team_ids")),
        private=bool(channel.get("is_private")),
        joined=bool(channel.get("is_member")),
        archived=bool(channel.get("is_archived")),
        direct=bool(channel.get("is_im") or channel.get("is_mpim")),
    )
