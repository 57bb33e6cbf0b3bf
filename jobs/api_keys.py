"""Keys of programs: made by admins, shown once, kept as a hash; each acts for its maker and never for more."""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from jobs.authorize import authorize
from jobs.connecting.marks import hash_of, same
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.people import People
from jobs.refresh.ask import TriggerKey
from storage.facts.api_keys import MOST_KEYS, ApiKey, KeyScope
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.records import api_keys, audit, organizations, triggers
from storage.sessions import Session

READ = frozenset({KeyScope.METRICS_READ})
WRITE = READ | {KeyScope.METRICS_WRITE}
_TOKEN = re.compile(r"tdk_(?P<id>[0-9a-z]{22})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
#: how exactly it is noted when a key was used last
_NOTED = timedelta(minutes=1)
_LONGEST_NAME = 60
#: compared where there is no such key, so that this takes as long
_NOBODYS = hash_of("api key", Secret("nobody's"))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with what a program shows, which is told this once."""

    key: ApiKey
    token: Secret


@dataclass(frozen=True, slots=True)
class Opened:
    """Who acts by a key, and how far it goes."""

    key: ApiKey
    actor: Actor


class ApiKeyService:
    """What admins do with keys, and what a key opens."""

    def __init__(self, desk: Desk, clock: Clock, people: People) -> None:
        self._desk = desk
        self._clock = clock
        self._people = people

    async def all(self, actor: Actor) -> list[tuple[ApiKey, str]]:
        """Return the keys of the actor's organization, each with the name of who made it; empty: no member any more."""
        member = authorize(actor, Action.MANAGE_API_KEYS)

        def work(session: Session) -> list[tuple[ApiKey, str]]:
            found = api_keys.all_of(session, member.organization_id)
            makers = {key.member_id: organizations.still_member(session, key.member_id) for key in found}
            return [(key, maker.name if (maker := makers[key.member_id]) else "") for key in found]

        return await self._desk.read(work)

    async def new(self, actor: Actor, name: str, scopes: frozenset[KeyScope], trigger: TriggerKey) -> NewKey:
        """Make a key. TooLateError: there are too many, or the same request made one already and it was shown."""
        authorize(actor, Action.MANAGE_API_KEYS)
        plain = " ".join(name.split())
        if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
            raise TooLateError(f"a key has a name of 1 to {_LONGEST_NAME} plain characters")
        secret = secrets.token_urlsafe(32)

        def work(session: Session) -> NewKey:
            member = self._member(session, actor, trigger)
            if len(api_keys.all_of(session, member.organization_id)) >= MOST_KEYS:
                raise TooLateError(f"there are {MOST_KEYS} keys already; remove one first")
            now = self._clock.now()
            key_id = derived_id("key", member.organization_id, trigger.team_id, trigger.trigger_id)
            key = ApiKey(key_id, member.organization_id, member.id, plain, scopes, now)
            api_keys.add(session, key, _hashed(key_id, Secret(secret)))
            self._note(session, member, key, "made")
            return NewKey(key, Secret(f"tdk_{key_id.removeprefix('key_')}_{secret}"))

        return await self._desk.write(work)

    async def revoke(self, actor: Actor, key_id: str, trigger: TriggerKey) -> ApiKey:
        """Let a key open nothing any more; NotFoundError for a missing one and for somebody else's."""
        authorize(actor, Action.MANAGE_API_KEYS)

        def work(session: Session) -> ApiKey:
            member = self._member(session, actor, trigger)
            found = api_keys.one_of(session, member.organization_id, key_id)
            if found is None or not api_keys.revoke(session, key_id, self._clock.now()):
                raise NotFoundError
            self._note(session, member, found, "removed")
            return found

        return await self._desk.write(work)

    async def opened(self, token: Secret) -> Opened | None:
        """Return who acts by what a program shows, as they are now; None for whatever opens nothing.

        A key is as good as its maker: whoever is no full member of the workspace any more, by Slack's word of at most a
        minute ago, has none. UnavailableError when Slack does not tell.
        """
        found = _TOKEN.fullmatch(token.reveal())
        if found is None:
            return None
        key_id = f"key_{found['id']}"
        known = await self._desk.read(lambda session: _known(session, key_id))
        shown = _hashed(key_id, Secret(found["secret"]))
        if not same(known[1] if known else _NOBODYS, shown) or known is None:
            return None
        key, _, maker = known
        if key.revoked_at is not None or maker is None:
            return None
        identity = SlackIdentity(maker.team_id, maker.user_id)
        actor = await self._people.actor(identity) or await self._people.learn(identity)
        if actor.member is None or (actor.member.id, actor.member.organization_id) != (maker.id, key.organization_id):
            return None
        now = self._clock.now()
        if key.used_at is None or now - key.used_at >= _NOTED:
            await self._desk.write_behind(lambda session: api_keys.used(session, key_id, now))
        return Opened(replace(key, used_at=now), actor)

    def _member(self, session: Session, actor: Actor, trigger: TriggerKey) -> Member:
        """Return the admin as they are now, in the transaction of the effect, which happens once."""
        known = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, known), Action.MANAGE_API_KEYS)
        organizations.lock(session, member.organization_id)
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            raise TooLateError("that was done already")
        triggers.remember(session, trigger.team_id, trigger.trigger_id, "api key", self._clock.now())
        return member

    def _note(self, session: Session, member: Member, key: ApiKey, what: str) -> None:
        detail: dict[str, object] = {"what": what, "name": key.name, "scopes": sorted(key.scopes)}
        action, now = Action.MANAGE_API_KEYS, self._clock.now()
        audit.record(session, member.organization_id, member.id, action, key.id, now, detail)


def _known(session: Session, key_id: str) -> tuple[ApiKey, str, Member | None] | None:
    found = api_keys.shown(session, key_id)
    return (*found, organizations.still_member(session, found[0].member_id)) if found is not None else None


def _hashed(key_id: str, secret: Secret) -> str:
    return hash_of("api key", Secret(key_id), secret)
