"""A refused call is not yet a lost connection: one cheap call says whether the provider takes the access at all."""

import asyncio
from dataclasses import replace

import structlog

from connectors.base import open_session
from connectors.errors import TOKEN_REJECTED, ConnectorError, Retry
from jobs.ground import Ground
from storage.facts.runs import Failure, FailureKind
from storage.facts.sources import Source
from storage.records import runs, sources
from storage.sessions import Session

#: The provider takes the access, and refused the one call all the same.
CALL_REFUSED = "call_refused"
_DETAIL = "the access is accepted, and one call was refused all the same"
#: What a single call may be refused with. A refused renewal was looked at twice already, and what was not granted shows
#: in no other call.
_ONE_CALL = frozenset({TOKEN_REJECTED, "company_not_granted"})
_LOOK_SECONDS = 60.0

log = structlog.get_logger()


async def second_look(ground: Ground, run_id: str, failure: Failure) -> Failure:
    """Return the failure as it is to be believed: only what the cheap call meets, too, is the connection's.

    Where nobody can tell because the provider does not answer, the run is tried again instead.
    """
    if failure.kind is not FailureKind.RECONNECT or failure.code not in _ONE_CALL:
        return failure
    source = await ground.database.reading(lambda session: _source(session, run_id))
    error = await _asked(ground, source)
    if error is not None and not isinstance(error, Retry):
        return failure
    log.info("refusal_not_believed", run=run_id, source=source.id, code=failure.code, probe=error.code if error else "")
    code, detail = (error.code, error.detail) if error else (CALL_REFUSED, _DETAIL)
    return replace(failure, kind=FailureKind.RETRY, code=code, detail=detail)


async def _asked(ground: Ground, source: Source) -> ConnectorError | None:
    connector = ground.connector(source)
    try:
        async with asyncio.timeout(_LOOK_SECONDS), open_session(connector, ground.access(source)) as session:
            await connector.probe(session)
    except ConnectorError as error:
        return error
    except TimeoutError:
        return Retry(None, "the provider did not answer in a minute", code="timeout")
    return None


def _source(session: Session, run_id: str) -> Source:
    return sources.source(session, runs.run(session, run_id).source_id)
