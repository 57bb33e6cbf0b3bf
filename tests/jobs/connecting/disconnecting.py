"""A source, a person who disconnects it, and what is there after it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.connecting.severing import Severing
from jobs.connecting.telling import disconnect_words
from jobs.connecting.views import Parted
from jobs.refresh.ask import TriggerKey
from jobs.refresh.retry import RetryPlan
from jobs.status import statuses
from jobs.tokens import StoredTokens
from storage.facts.disconnects import Disconnect
from storage.facts.ids import new_id
from storage.facts.people import SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from storage.records import deliveries, disconnects, runs
from storage.sessions import Session
from storage.tables import DeliveryRow, RunRow
from tests.jobs.connecting.parting import ground_of
from tests.jobs.connecting.stage import DANIEL, Stage

ACCOUNT = "a.myshopify.com"


def severing(stage: Stage, folder: Path, kind: type[Severing] = Severing, **changes: Any) -> Severing:
    """Return the work's handler over lakes in a folder of the test; the engine is not there."""
    means = stage.means
    ground = ground_of(means, folder)
    return kind(means, ground, RetryPlan(), changes.get("status", lambda _id: None))


async def confirm(
    stage: Stage,
    source: Source,
    *,
    erase: bool = False,
    identity: SlackIdentity = DANIEL,
    typed: str | None = None,
    seen: str | None = None,
    trigger: str = "",
    kind: type[DisconnectService] = DisconnectService,
) -> Parted:
    """Look and confirm, as a person does."""
    service = kind(stage.means)
    actor = await stage.actor(identity)
    mark = seen or (await service.preview(actor, source.id)).mark
    confirmed = Confirmation(source.id, source.label if typed is None else typed, erase=erase, seen=mark)
    return await service.disconnect(actor, confirmed, TriggerKey(identity.team_id, trigger or new_id("trg")))


def found(stage: Stage, parted: Parted) -> Disconnect:
    known = stage.database.in_read(lambda session: disconnects.find(session, parted.disconnect_id))
    assert known is not None
    return known


def sealed(stage: Stage, parted: Parted) -> bytes | None:
    return stage.database.in_read(lambda session: disconnects.sealed_grant(session, parted.disconnect_id))


def tokens_of(stage: Stage, source: Source) -> StoredTokens:
    return StoredTokens(stage.database, stage.clock, stage.means.seal, source.id)


def told(stage: Stage, kind: str) -> list[tuple[str, str]]:
    """Return whom the deliveries of a kind go to, and what they say."""
    words = disconnect_words()

    def read(session: Session) -> list[tuple[str, str]]:
        ids = session.exec(
            select(DeliveryRow.id).where(DeliveryRow.kind == kind).order_by(col(DeliveryRow.destination))
        )
        rows = [deliveries.delivery(session, one) for one in ids]
        return [(row.destination, words[kind](session, row, stage.clock.now()).summary) for row in rows]

    return stage.database.in_read(read)


def status_of(stage: Stage) -> SourceStatus:
    found = stage.sources()
    return stage.database.in_read(lambda session: statuses(session, found, stage.clock.now(), budget=1))[0]


def loaded(stage: Stage, source: Source) -> None:
    """Let a run have loaded and made ready what is there."""

    def work(session: Session) -> None:
        active = runs.active_of(session, [source.id])[source.id]
        row = session.get_one(RunRow, active.id)
        row.state, row.loaded_at, row.ready_at, row.finished_at, row.source_as_of = (
            RunState.READY.value,
            *[stage.clock.now()] * 4,
        )
        session.add(row)

    stage.change(work)
    stage.clock.advance(timedelta(seconds=1))


class Polite(DisconnectService):
    """A twin that asks the run to stop, and lets it end when it notices."""

    def _stop(self, session: Session, source: Source, now: Any) -> str | None:
        _ = now
        active = runs.active_of(session, [source.id]).get(source.id)
        return active.id if active and runs.ask_to_cancel(session, active.id) else None
