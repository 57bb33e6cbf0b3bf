"""The one function that says which channels are told: the first that was allowed, and those that chose to be."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from storage.facts.subscriptions import ChannelChoice, Topic
from storage.records import channel_choices, organizations
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Room:
    """A channel that is told, or that would be and chose not to."""

    team_id: str
    channel_id: str
    told: bool

    @property
    def place(self) -> str:
        """Where a delivery goes."""
        return f"{self.team_id}/{self.channel_id}"


def rooms(
    session: Session, organization_id: str, topic: Topic, source_ids: Collection[str], *, anyway: bool
) -> list[Room]:
    """Return which of the organization's allowed channels are told about these sources.

    With `anyway` the channel that was allowed first is told without a choice. What a channel chose before an admin
    took it back counts for nothing; whether somebody from outside reads along is looked at before each post.
    """
    chosen = channel_choices.of_topic(session, organization_id, topic, source_ids)
    if not chosen and not anyway:
        return []
    found = []
    for number, (team_id, channel_id) in enumerate(organizations.allowed_channels(session, organization_id)):
        default = anyway and not number
        told = is_told(chosen.get((team_id, channel_id), []), source_ids, default=default)
        if told or default:
            found.append(Room(team_id, channel_id, told))
    return found


def is_told(choices: Iterable[ChannelChoice], source_ids: Collection[str], *, default: bool) -> bool:
    """Whether a channel is told: a choice for the source before one for all, one for all before the default."""
    by_source: Mapping[str | None, bool] = {choice.source_id: choice.told for choice in choices}
    general = by_source.get(None, default)
    return any(by_source.get(source_id, general) for source_id in source_ids)
