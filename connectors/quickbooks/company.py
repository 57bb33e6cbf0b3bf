"""Asking one QuickBooks company: queries and reports, each judged by what is really in the body."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from connectors.decode import Record
from connectors.errors import Broken, ConnectorError, Retry
from connectors.http import Http, Judge
from connectors.past import ALWAYS, MOST_RECORDS, Span
from connectors.quickbooks.entry import MINOR_VERSION
from connectors.quickbooks.faults import judge, judge_json
from connectors.quickbooks.statements import KEYS, Entity
from connectors.reads import Call
from connectors.wire import Answer

#: Longer statements go in a body.
_LONGEST_IN_ADDRESS = 1500


class _Envelope(msgspec.Struct, rename="pascal"):
    query_response: dict[str, msgspec.Raw] | None = None
    fault: msgspec.Raw | None = None
    time: str | int | None = msgspec.field(name="time", default=None)


_DECODER = msgspec.json.Decoder(_Envelope)
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])
_COUNT = msgspec.json.Decoder(int)


@dataclass
class QueryAnswer:
    """Judges an answer to a query and keeps what it read on the way: pages are parsed once."""

    entity: str
    records: list[Record] = field(default_factory=list)
    count: int | None = None
    #: the company's own clock when it answered
    time: datetime | None = None

    def judge(self, answer: Answer) -> ConnectorError | None:
        """Take the page in, or say what is wrong with the answer."""
        if answer.status != 200:
            return judge(answer)
        try:
            said = _DECODER.decode(answer.body)
            if said.query_response is None:
                return judge(answer) or self._nothing(answer)
            listed, counted = said.query_response.get(self.entity), said.query_response.get("totalCount")
            self.records = list(_RECORDS.decode(listed)) if listed is not None else []
            self.count = _COUNT.decode(counted) if counted is not None else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return judge(answer) or self._nothing(answer)
        self.time = moment(said.time)
        return None

    def _nothing(self, answer: Answer) -> Retry:
        detail = "QuickBooks answered with something that is no data"
        return Retry(None, detail, code="not_json", request_id=answer.request_id)


def moment(said: str | int | None) -> datetime | None:
    """Read the company's own clock in an answer; None where it is not told plainly."""
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


class Company:
    """One realm."""

    def __init__(self, http: Http, realm: str) -> None:
        self._http = http
        self._base = f"/v3/company/{realm}"
        self.realm = realm

    async def query(self, entity: str, statement: str) -> QueryAnswer:
        """Run a SELECT."""
        found = QueryAnswer(entity)
        await self._http.send(self._call(entity, statement), found.judge)
        self._http.compare_clocks(found.time)
        return found

    async def count(self, entity: Entity, since: datetime | None = None, *, span: Span = ALWAYS) -> QueryAnswer:
        """Count an entity's records; the answer's count is never None."""
        found = await self.query(entity.name, entity.count(since, span))
        if found.count is None:
            raise Broken(f"QuickBooks did not count {entity.shape.label}", code="page_unreadable")
        if not 0 <= found.count <= MOST_RECORDS:
            raise Broken(f"QuickBooks cannot have counted {entity.shape.label} right", code="page_unreadable")
        return found

    async def some(self, entity: Entity, keys: Iterable[str]) -> list[list[Record]]:
        """Read the records of these keys; those that are gone are not among them."""
        listed = sorted(keys)
        chunks = [listed[n : n + KEYS] for n in range(0, len(listed), KEYS)]
        return [(await self.query(entity.name, entity.some(chunk))).records for chunk in chunks]

    async def changed(self, entities: Iterable[str], since: str, judge: Judge) -> None:
        """Ask what changed since, of several entities at once."""
        params = {"entities": ",".join(entities), "changedSince": since, "minorversion": MINOR_VERSION}
        await self._http.send(Call("GET", f"{self._base}/cdc", "cdc", params=params), judge)

    def compare_clocks(self, said: datetime | None) -> None:
        """Note how far the company's clock is from ours."""
        self._http.compare_clocks(said)

    async def get(self, path: str, name: str, params: dict[str, str]) -> Answer:
        """Read something that is no query; an answer that is no JSON is tried again."""
        call = Call("GET", f"{self._base}{path}", name, params={**params, "minorversion": MINOR_VERSION})
        return await self._http.send(call, judge_json)

    def _call(self, entity: str, statement: str) -> Call:
        path, name = f"{self._base}/query", f"query {entity}"
        if len(statement) <= _LONGEST_IN_ADDRESS:
            return Call("GET", path, name, params={"query": statement, "minorversion": MINOR_VERSION})
        params = {"minorversion": MINOR_VERSION}
        return Call("POST", path, name, params=params, body=statement.encode(), content_type="application/text")
