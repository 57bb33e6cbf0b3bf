"""What changed in a company since an instant, of many entities in one call (change data capture).

QuickBooks looks back 30 days and answers with at most 1,000 records, of all entities together. An answer that is full
may have left records out, so it is asked for again by halves; one entity that fills it alone, or that QuickBooks does
not follow, is read by query instead (None).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.decode import Record
from connectors.errors import Broken, ConnectorError, Retry
from connectors.quickbooks.company import Company, moment
from connectors.quickbooks.faults import judge
from connectors.quickbooks.statements import Entity
from connectors.wire import Answer

#: QuickBooks' own cap on the records of one answer.
MOST = 1000
#: How far back is asked; QuickBooks knows 30 days.
DEPTH = timedelta(days=29)
#: Refusals after which queries are tried: they are of this call, not of the grant or the company.
_UNKNOWN = frozenset({"query_refused", "request_refused"})


@dataclass(frozen=True, slots=True)
class Changed:
    """What happened to one entity."""

    records: list[Record] = field(default_factory=list)
    gone: frozenset[str] = frozenset()
    #: the latest deletion
    newest: datetime | None = None


class _Answers(msgspec.Struct, rename="pascal"):
    query_response: list[dict[str, msgspec.Raw]]


class _Envelope(msgspec.Struct):
    answers: list[_Answers] | None = msgspec.field(name="CDCResponse", default=None)
    time: str | int | None = None


class _MetaData(msgspec.Struct, rename="pascal"):
    last_updated_time: datetime | None = None


class _Head(msgspec.Struct, rename="pascal"):
    id: str
    status: str | None = msgspec.field(name="status", default=None)
    meta_data: _MetaData | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = msgspec.json.Decoder(_Head)


@dataclass
class _Taken:
    """Judges an answer and keeps what it read on the way."""

    entities: Sequence[Entity]
    found: dict[str, Changed] = field(default_factory=dict)
    count: int = 0
    time: datetime | None = None

    def judge(self, answer: Answer) -> ConnectorError | None:
        """Take the answer in, or say what is wrong with it."""
        if answer.status != 200:
            return judge(answer)
        try:
            said = _ENVELOPE.decode(answer.body)
            if said.answers is None:
                return judge(answer) or _nothing(answer)
            parts = [part for one in said.answers for part in one.query_response]
            lists = {name: _RECORDS.decode(part[name]) for part in parts for name in self._names(part)}
            self.count = sum(map(len, lists.values()))
            self.found = {name: _split(records) for name, records in lists.items()}
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return judge(answer) or _nothing(answer)
        self.time = moment(said.time)
        return None

    def _names(self, part: dict[str, msgspec.Raw]) -> list[str]:
        return [entity.name for entity in self.entities if entity.name in part]


def _nothing(answer: Answer) -> Retry:
    detail = "QuickBooks answered with something that is no list of changes"
    return Retry(None, detail, code="not_json", request_id=answer.request_id)


def _split(records: list[msgspec.Raw]) -> Changed:
    heads = [_HEAD.decode(record) for record in records]
    kept: list[Record] = [record for record, head in zip(records, heads, strict=True) if head.status != "Deleted"]
    gone = [head for head in heads if head.status == "Deleted"]
    times = [head.meta_data.last_updated_time for head in gone if head.meta_data]
    aware = [time.astimezone(UTC) for time in times if time is not None and time.tzinfo is not None]
    return Changed(kept, frozenset(head.id for head in gone), max(aware, default=None))


async def changes(company: Company, entities: Sequence[Entity], since: datetime) -> dict[str, Changed | None]:
    """Return what changed by the entity's name; None for an entity that must be read by query."""
    if not entities:
        return {}
    taken = _Taken(entities)
    try:
        await company.changed([entity.name for entity in entities], _stamp(since), taken.judge)
    except Broken as refused:
        if refused.code not in _UNKNOWN:
            raise
        return dict.fromkeys((entity.name for entity in entities), None)
    company.compare_clocks(taken.time)
    if taken.count < MOST:
        return {entity.name: taken.found.get(entity.name, Changed()) for entity in entities}
    if len(entities) == 1:
        return {entities[0].name: None}
    half = len(entities) // 2
    return {
        **await changes(company, entities[:half], since),
        **await changes(company, entities[half:], since),
    }


def _stamp(since: datetime) -> str:
    return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
