"""`tidings refresh`: the operator asks in the name of a member; a running worker does it and tells them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from bot.cli.ground import opened, read_settings
from bot.cli.say import line, stop
from bot.cli.status import found_organization
from jobs.build import Jobs, build_jobs
from jobs.engine import Engine
from jobs.errors import NoAccessError, NotAllowedError, TooLateError, UnavailableError
from jobs.refresh.ask import Joined, LeftOut, Place, Scope, Started, TriggerKey
from jobs.refresh.rereading import RereadRefusedError, Wanted
from storage.facts.clock import SystemClock
from storage.facts.ids import new_id
from storage.facts.people import Actor, Member, Role, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import Organization, Source
from storage.facts.status import RefreshStatus
from storage.records import last_runs, seeds, sources
from storage.sessions import Database, Session
from storage.settings import Settings

_LOOK_SECONDS = 0.5


#: what is read once more (a stream, or all), and since which day
Again = tuple[str, date | None]


def run(
    organization: str,
    source: str,
    as_user: str | None,
    env_file: Path | None,
    *,
    wait: bool,
    allow_shrink: bool,
    again: Again | None = None,
) -> None:
    """Ask, say what came of it, and wait for the end where that is wanted; ends with 1 when it did not become ready."""
    settings = read_settings(env_file)
    with opened(settings) as database:
        asked = _ask(
            settings, database, organization, source, as_user, wait=wait, allow_shrink=allow_shrink, again=again
        )
        raise SystemExit(asyncio.run(asked))


async def _ask(
    settings: Settings,
    database: Database,
    words: str,
    source: str,
    as_user: str | None,
    *,
    wait: bool,
    allow_shrink: bool,
    again: Again | None,
) -> int:
    with database.read() as session:
        organization = found_organization(session, words)
        actor = _actor(seeds.members(session, organization.id), as_user)
        scope = _scope(organization, sources.sources_of(session, organization.id), source)
        held = _held_run(session, scope) if allow_shrink else None
    async with enqueuing(settings, database) as jobs:
        try:
            trigger, place = TriggerKey(actor.identity.team_id, new_id("cli")), Place(actor.identity.team_id, "")
            if held is not None:
                outcome = await jobs.services.held.load(actor, held, trigger, place)
            elif again is not None:
                outcome = await jobs.services.rereads.start(actor, _wanted(scope, again), trigger, place)
            else:
                outcome = await jobs.services.refresh.request(actor, scope, trigger, place)
        except (NoAccessError, NotAllowedError, RereadRefusedError, TooLateError, UnavailableError) as error:
            stop(f"nothing was started: {error}")
        if isinstance(outcome, LeftOut):
            stop(
                "nothing was started: " + (", ".join(one.label for one in outcome.sources) or "no source") + " left out"
            )
        refresh_id = _tell(outcome)
        return await _wait(jobs, actor, refresh_id) if wait else 0


@asynccontextmanager
async def enqueuing(settings: Settings, database: Database) -> AsyncIterator[Jobs]:
    """Give the services with an engine that only enqueues, beside the one that works."""
    clock = SystemClock()
    jobs = build_jobs(settings, database, clock)
    engine = Engine(database, clock, role="web")
    jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
    await engine.launch()
    try:
        yield jobs
    finally:
        await engine.close()
        await jobs.close()


def _actor(members: list[Member], as_user: str | None) -> Actor:
    wanted = [one for one in members if one.user_id == as_user] if as_user else _by_rank(members)
    if not wanted:
        known = ", ".join(f"{one.user_id} ({one.name}, {one.role})" for one in members) or "nobody"
        stop(f"there is no such member; there is {known}")
    return Actor(SlackIdentity(wanted[0].team_id, wanted[0].user_id), wanted[0])


def _by_rank(members: list[Member]) -> list[Member]:
    return sorted((one for one in members if one.role.includes(Role.REFRESHER)), key=lambda one: -one.role.rank)


def _scope(organization: Organization, known: list[Source], words: str) -> Scope:
    if words == "all":
        return Scope(everything=True)
    chosen = tuple(one.id for one in known if words in {one.id, one.label, one.account, one.provider.value})
    if not chosen:
        stop(f"{organization.name} has no source {words!r}; it has {', '.join(one.label for one in known) or 'none'}")
    return Scope(everything=False, source_ids=chosen)


def _wanted(scope: Scope, again: Again) -> Wanted:
    """Return what is read once more of the one source that is named."""
    if len(scope.source_ids) != 1:
        stop("nothing was started: name the one source that is read again")
    stream, since = again
    return Wanted(scope.source_ids[0], "" if stream == "all" else stream, since)


def _held_run(session: Session, scope: Scope) -> str:
    """Return the held read of the one source that is named; says what would be loaded."""
    if len(scope.source_ids) != 1:
        stop("--allow-shrink needs one source")
    found = last_runs.failed_of(session, list(scope.source_ids)).get(scope.source_ids[0])
    if found is None or found.held is None:
        stop("nothing was started: no read of this source is held")
    line(f"held: {found.held.after} {found.held.stream} instead of {found.held.before}; it is read again")
    return found.id


def _tell(outcome: Started | Joined) -> str:
    if isinstance(outcome, Joined):
        line(f"joined {outcome.refresh.id}, which runs already")
        return outcome.refresh.id
    line(f"started {outcome.refresh_id}: {', '.join(one.label for one in outcome.sources)}")
    if outcome.left_out:
        line(f"left out, disconnected: {', '.join(one.label for one in outcome.left_out)}")
    return outcome.refresh_id


async def _wait(jobs: Jobs, actor: Actor, refresh_id: str) -> int:
    while True:
        found = await jobs.services.refresh.get(actor, refresh_id)
        if found.finished_at is not None:
            return _ended(found)
        await asyncio.sleep(_LOOK_SECONDS)


def _ended(found: RefreshStatus) -> int:
    for source, run_ in found.runs:
        why = f": {run_.failure.detail} ({run_.failure.reference})" if run_.failure else ""
        as_of = run_.clocks.source_as_of
        line(f"{source.label}: {run_.state.value}{why}, {run_.changed} rows changed, data as of {as_of or '-'}")
    return int(any(run_.state is not RunState.READY for _, run_ in found.runs))
