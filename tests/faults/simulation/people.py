"""What people decide meanwhile: disconnect and connect again, other schedules and promises, mutes and snoozes."""

from collections.abc import Awaitable, Callable
from random import Random

from jobs import dependents
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.storing import _started
from jobs.incidents.handling import Snooze
from jobs.incidents.noticing import back
from jobs.refresh.ask import TriggerKey
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.incidents import Incident, IncidentKind, Resolution
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.records import connections, grouping, organizations, sources
from storage.records.connections import GrantToStore
from storage.sessions import Session
from tests.faults.simulation.oracle import Oracle
from tests.faults.simulation.provider import Mood
from tests.faults.simulation.world import Company, Simulated

_SCHEDULES = ("every 8 hours", "every 24 hours", "daily at 06:30", "weekdays at 07:30", "off", "every 24 hours")
_PROMISES = ("warn 26h overdue 50h", "warn 30h overdue 60h", "business days", "off", "default", "default")


class People:
    """The company's people, as far as they do more than ask for data."""

    world: Simulated
    oracle: Oracle
    dice: Random
    _later: Callable[[float, Callable[[], Awaitable[None]]], None]
    _pressed: int = 0

    async def disconnect(self) -> None:
        """Somebody disconnects a source on purpose; hours later it is connected again."""
        company, source_id = self._one()
        promised, service = self.oracle.promised[source_id], self.world.jobs.services.disconnect
        if promised.stopped:
            return
        actor = self.world.actor(company)
        parting = await service.preview(actor, source_id)
        if parting.only_data:
            return
        asked = Confirmation(source_id, parting.names[0], erase=False, seen=parting.mark)

        async def again() -> None:
            await self.reconnect(company, source_id)

        # Whether it happened is seen below, also where the process dies in it.
        self._later(self.dice.uniform(1, 30), again)
        try:
            await service.disconnect(actor, asked, self._key(company))
        finally:
            state = self.world.source(source_id)
            promised.stopped = state.on_purpose
            self.oracle.changed(source_id)

    async def reconnect(self, company: Company, source_id: str) -> None:
        """Somebody gives a new grant, as the page's last click stores it."""
        world = self.world
        account, means = world.account_of(source_id), world.jobs.services.connect._means
        if not self.oracle.promised[source_id].stopped:
            return
        account.fall(Mood.WELL, world.clock.now())
        member = world.actor(company).member
        assert member is not None

        def store(session: Session) -> None:
            now, source = world.clock.now(), sources.source(session, source_id)
            organizations.lock(session, source.organization_id)
            held = connections.held(session, company.id, source.provider, source.account)
            assert held is not None
            place = Place(company.id, source.provider, source.account, held.version + 1)
            sealed = seal_credentials(means.seal, place, Credentials(access=Secret("simulated")))
            grant = GrantToStore(
                credentials=sealed,
                version=held.version + 1,
                state=ConnectionState.CONNECTED,
                reason=None,
                scopes="",
                region="",
                environment="",
                connected_by=member.id,
                access_expires_at=None,
                refresh_expires_at=None,
                hard_expires_at=None,
            )
            connections.replace_grant(
                session, source_id, company=source.company, grant=grant, expected_version=held.version, now=now
            )
            _started(session, means, sources.source(session, source_id), f"flo_{now.timestamp():.0f}", now)
            back(
                session,
                source_id,
                Resolution.RECONNECTED,
                now,
                means.notifier,
                dependents.thaw(session, source_id),
            )

        await world.database.writing(store)
        self.oracle.promised[source_id].stopped = False
        self.oracle.changed(source_id)

    async def schedule(self) -> None:
        """Somebody changes when a source is collected."""
        company, source_id = self._one()
        actor, words = self.world.actor(company), self.dice.choice(_SCHEDULES)
        service = self.world.jobs.services.schedules
        planned = await service.preview(actor, source_id, words)
        assert planned is not None
        await service.change(actor, source_id, words, planned.seen, self._key(company))
        self.oracle.promised[source_id].schedule(words, self.world.clock.now())
        self.oracle.changed(source_id)

    async def promise(self) -> None:
        """Somebody changes what a source promises."""
        company, source_id = self._one()
        actor, words = self.world.actor(company), self.dice.choice(_PROMISES)
        service = self.world.jobs.services.promises
        promised = await service.preview(actor, source_id, words)
        assert promised is not None
        await service.change(actor, source_id, words, promised.seen, self._key(company))
        self.oracle.promised[source_id].promise(words, self.world.clock.now())
        self.oracle.changed(source_id)

    async def mute(self) -> None:
        """Somebody wants to hear nothing of a kind about a source for a while."""
        company, source_id = self._one()
        actor, service = self.world.actor(company), self.world.jobs.services.mutes
        kinds = self.dice.choice(
            [(IncidentKind.LATE,), (IncidentKind.FAILING,), (IncidentKind.LATE, IncidentKind.FAILING)]
        )
        found = await service.preview(actor, source_id, kinds, self.dice.choice(["4 hours", "1 day", "2 days"]))
        assert found is not None
        assert found.until is not None
        self.oracle.promised[source_id].muted.update(dict.fromkeys(kinds, found.until))
        await service.mute(actor, source_id, kinds, found.until, found.seen, self._key(company))

    async def snooze(self) -> None:
        """Somebody snoozes an alarm, or takes it on."""
        company, source_id = self._one()
        found = self._open(source_id)
        if not found:
            return
        actor, service = self.world.actor(company), self.world.jobs.services.incidents
        if self.dice.random() < 0.5:
            await service.snooze(actor, found[0].id, self.dice.choice(list(Snooze)), self._key(company))
        else:
            await service.acknowledge(actor, found[0].id, self._key(company))

    def _open(self, source_id: str) -> list[Incident]:
        return self.world.database.in_read(lambda session: list(grouping.open_of(session, source_id)))

    def _one(self) -> tuple[Company, str]:
        company = self.dice.choice(self.world.companies)
        return company, self.dice.choice(company.sources)

    def _key(self, company: Company) -> TriggerKey:
        self._pressed += 1
        return TriggerKey(company.team, f"pressed-{self._pressed}")
