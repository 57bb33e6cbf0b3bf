"""Which calls only read. A connection without the write capability sends nothing else.

There is no read-only scope at QuickBooks, and Shopify's is only as narrow as the installation: so the promise "Tidings
never changes your books" is kept here, before the network.
"""

import re
from dataclasses import dataclass, field

import msgspec

from connectors.errors import WriteRefused
from connectors.limits import Rate

_SELECT = re.compile(rb"\s*select\s", re.IGNORECASE)
#: One token of a GraphQL document: block string, string, comment, name, or any other single character.
_TOKENS = re.compile(
    r'(?P<string>"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n\r])*")|(?P<comment>\#[^\n\r]*)|(?P<name>[_A-Za-z][_0-9A-Za-z]*)'
    r"|(?P<other>.)",
    re.DOTALL,
)
#: Amazon's list of reports: asking for one changes nothing but that list.
_REPORTS = "/reports/2021-06-30/reports"
_REPORT_TYPE = re.compile(r"GET_[A-Z0-9_]{3,120}", re.ASCII)
#: Shopify's bulk operation, word for word: it writes down what a query finds, and changes nothing in the shop.
BULK_RUN = (
    "mutation BulkRun($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false)"
    " { bulkOperation { id status } userErrors { code } } }"
)
_OPENING = frozenset("{([")
_CLOSING = {"}": "{", ")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider, relative to its pinned address."""

    method: str
    path: str
    #: what logs and errors call it: "query Invoice"
    name: str
    params: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str | None = None
    #: what it takes from the account's bucket
    cost: float = 1
    #: the call's own bucket of the account, where the provider limits each kind of call apart (Amazon)
    bucket: str = ""
    #: the rates of that bucket; empty: the connection's
    rates: tuple[Rate, ...] = ()


def refuse_writes(call: Call) -> None:
    """Raise WriteRefused unless the call can only read."""
    if call.method in {"GET", "HEAD"}:
        return
    if call.method != "POST" or call.body is None:
        raise WriteRefused(f"{call.method} {call.name} could change data; this connection only reads")
    if call.path.endswith("/query"):
        if not _SELECT.match(call.body):
            raise WriteRefused(f"{call.name} is not a SELECT; this connection only reads")
    elif call.path.endswith("/graphql.json"):
        _refuse_operations(call)
    elif call.path == _REPORTS:
        _refuse_other_than_reports(call)
    else:
        raise WriteRefused(f"POST {call.name} could change data; this connection only reads")


def _refuse_other_than_reports(call: Call) -> None:
    """Let pass what asks Amazon to write down data that it has: a report whose type says that it only gets."""
    try:
        wanted = msgspec.json.decode(call.body or b"", type=dict[str, object]).get("reportType")
    except msgspec.MsgspecError:
        wanted = None
    if not isinstance(wanted, str) or not _REPORT_TYPE.fullmatch(wanted):
        raise WriteRefused(f"{call.name} asks for something other than a report; this connection only reads")


def _refuse_operations(call: Call) -> None:
    try:
        body = msgspec.json.decode(call.body or b"", type=dict[str, object])
    except msgspec.MsgspecError:
        body = {}
    document = body.get("query")
    if not isinstance(document, str):
        raise WriteRefused(f"{call.name} holds no GraphQL document that could be looked at")
    if document == BULK_RUN:
        document = _in_bulk(body.get("variables"))
    kinds = operations(document)
    if not kinds or set(kinds) != {"query"}:
        raise WriteRefused(f"{call.name} holds operations other than queries; this connection only reads")


def _in_bulk(variables: object) -> str:
    """Return the query that a bulk operation is to run; it is looked at like any other document."""
    found = variables.get("query") if isinstance(variables, dict) and len(variables) == 1 else None
    return found if isinstance(found, str) else ""


def operations(document: str) -> list[str]:
    """Return the kinds of all operations of a GraphQL document, ``"?"`` for whatever cannot be understood.

    Looks at definitions, not at words: a field, a string or a comment that says "mutation" is none, and a document with
    several operations is judged by all of them, whichever the caller names.
    """
    kinds: list[str] = []
    stack: list[str] = []
    expecting = True
    for match in _TOKENS.finditer(document):
        piece = match.group()
        if match.lastgroup in {"string", "comment"}:
            continue
        if piece in _OPENING:
            if not stack and expecting:
                kinds.append("query" if piece == "{" else "?")
            stack.append(piece)
            expecting = False
        elif piece in _CLOSING:
            if not stack or stack.pop() != _CLOSING[piece]:
                return ["?"]
            expecting = expecting or (piece == "}" and not stack)
        elif not stack and expecting and match.lastgroup == "name":
            if piece != "fragment":
                kinds.append(piece if piece in {"query", "mutation", "subscription"} else "?")
            expecting = False
        elif piece == '"':
            return ["?"]
    return kinds if not stack else ["?"]
