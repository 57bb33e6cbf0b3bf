"""The one function that says who is told: those who would be anyway, as they chose, and whoever asked to be."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.facts.deliveries import Channel
from storage.facts.people import Member
from storage.facts.subscriptions import BOTH, MAIL, OFF, Choice, Topic, Ways
from storage.records import subscriptions
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told, and by which ways; by none: they chose so."""

    member: Member
    ways: Ways


def recipients(
    session: Session,
    organization_id: str,
    topic: Topic,
    source_ids: Collection[str],
    anyway: Sequence[Member],
    *,
    somebody: bool = False,
) -> list[Recipient]:
    """Return who is told about these sources.

    `anyway` are told without a choice, by Slack and mail; others only by what they chose. With `somebody` at least one
    of `anyway` is told: where all of them chose nothing, each is told in Slack all the same.
    """
    chosen: dict[str, list[Choice]] = {}
    people: dict[str, Member] = {member.id: member for member in anyway}
    for member, choice in subscriptions.of_topic(session, organization_id, topic, source_ids):
        chosen.setdefault(member.id, []).append(choice)
        people.setdefault(member.id, member)
    default = {member.id: BOTH for member in anyway}
    found = [
        Recipient(member, ways_of(chosen.get(member.id, []), source_ids, default.get(member.id, OFF)))
        for member in people.values()
    ]
    if somebody and not any(one.ways for one in found):
        found = [Recipient(one.member, frozenset({Channel.SLACK})) for one in found if one.member.id in default]
    # Whoever is no part of it and chose nothing is no recipient; who would be told and chose not to is, by no way.
    return [one for one in found if one.ways or one.member.id in default]


def ways_of(choices: Iterable[Choice], source_ids: Collection[str], default: Ways) -> Ways:
    """Return how somebody is told: a choice for the source before one for all, one for all before the default.

    About several sources at once somebody is told by every way that one of them has.
    """
    by_source: Mapping[str | None, Ways] = {
        choice.source_id: default - MAIL if choice.no_mail else choice.ways for choice in choices
    }
    general = by_source.get(None, default)
    each = [by_source.get(source_id, general) for source_id in source_ids] or [general]
    return frozenset().union(*each)
