"""Requests whose person is not known well enough yet: kept, acked, and played again by a worker."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from jobs.desk import Desk
from jobs.work import Work
from storage.bindings import of_ask
from storage.facts.clock import Clock
from storage.records import asks
from storage.seal import Seal
from storage.sessions import Database, Session


class Enqueue(Protocol):
    """The transactional enqueue of the engine."""

    def __call__(self, session: Session, work: Work) -> object:
        """Start the work when, and only when, the session's transaction commits."""
        ...


class AskService:
    """Keeps requests, sealed because a response_url is as good as a token."""

    def __init__(self, desk: Desk, database: Database, clock: Clock, seal: Seal, enqueue: Enqueue) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock
        self._seal = seal
        self._enqueue = enqueue

    async def persist(self, kind: str, team_id: str, trigger_id: str, payload: Mapping[str, object]) -> str:
        """Keep the request and let a worker play it again; the same trigger is kept once."""
        ask_id = asks.ask_id(team_id, trigger_id)
        sealed = self._seal.close(json.dumps(dict(payload)), *of_ask(team_id, ask_id))

        def work(session: Session) -> None:
            now = self._clock.now()
            if asks.add(session, team_id=team_id, trigger_id=trigger_id, kind=kind, payload=sealed, now=now):
                self._enqueue(session, Work("ask", ask_id, queue="notify"))

        await self._desk.write(work)
        return ask_id

    async def load(self, ask_id: str) -> dict[str, Any] | None:
        """Return what was kept, or None when it is gone."""
        found = await self._database.reading(lambda session: asks.payload(session, ask_id))
        if found is None:
            return None
        team_id, sealed = found
        loaded = json.loads(self._seal.open(sealed, *of_ask(team_id, ask_id)))
        return loaded if isinstance(loaded, dict) else None
