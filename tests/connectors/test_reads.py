"""A connection without the write capability sends nothing that could change data."""

import json

import pytest

from connectors.errors import WriteRefused
from connectors.reads import BULK_RUN, Call, operations, refuse_writes

GRAPH = "/admin/api/2026-10/graphql.json"


def graph(document: object, **more: object) -> Call:
    body = json.dumps({"query": document, **more}).encode()
    return Call("POST", GRAPH, "query X", body=body)


READS = [
    "{ shop { name } }",
    "query A { shop { name } }",
    "query A($x: In = {a: 1}) @d(x: {y: [1]}) { shop { name } }",
    '{ orders(query: "mutation { x }") { nodes { id } } }',
    '{ orders(query: """mutation { "x" } \\""" """) { nodes { id } } }',
    "# mutation { x }\n{ mutation }",
    "fragment F on X { mutation } query { ...F }",
    "query A { a } query B { b }",
]
WRITES = [
    "mutation { tagsAdd(id: 1) { x } }",
    "mutation A($x: Int) { a }",
    "subscription { a }",
    "query A { a } mutation B { b }",
    "{ a }mutation{ b }",
    "fragment F on X { a } mutation { ...F }",
    "# {\nmutation { a }",
    'query { a(s: "\\"") }mutation{ b }',
    "query { a } # \rmutation { b }",
    "\ufeffmutation { a }",
    ",,mutation{a}",
    '"""about""" mutation { a }',
    "mutation",
    "",
    "   ",
    "fragment F on X { a }",
    "type X { a: Int }",
    "{ a",
    "{ a } }",
    "{ a(x: [1}) }",
    '{ a(x: "unclosed) }',
]


@pytest.mark.parametrize("document", READS)
def test_queries_may_be_sent(document: str) -> None:
    refuse_writes(graph(document))
    assert set(operations(document)) == {"query"}


@pytest.mark.parametrize("document", WRITES)
def test_everything_else_is_refused(document: str) -> None:
    with pytest.raises(WriteRefused):
        refuse_writes(graph(document))


def by_substring(document: str) -> bool:
    """The twin that looks for words."""
    return document.lstrip().startswith("mutation")


def test_looking_for_words_misses_writes_and_this_does_not() -> None:
    missed = [document for document in WRITES if "mutation" in document and not by_substring(document)]
    assert len(missed) >= 5
    for document in missed:
        with pytest.raises(WriteRefused):
            refuse_writes(graph(document))


def test_the_named_operation_does_not_excuse_the_others() -> None:
    with pytest.raises(WriteRefused):
        refuse_writes(graph("query A { a } mutation B { b }", operationName="A"))


def test_a_bulk_operation_may_ask_and_nothing_else() -> None:
    refuse_writes(graph(BULK_RUN, variables={"query": "{ orders { edges { node { id } } } }"}, operationName="BulkRun"))
    for wrong in (*WRITES, None, 5, ["{ a }"]):
        with pytest.raises(WriteRefused):
            refuse_writes(graph(BULK_RUN, variables={"query": wrong}))
    for variables in (None, {}, "{ a }", {"query": "{ a }", "other": 1}):
        with pytest.raises(WriteRefused):
            refuse_writes(graph(BULK_RUN, variables=variables))
    for changed in (f"{BULK_RUN} ", BULK_RUN.replace("RunQuery", "RunMutation"), f"{BULK_RUN} mutation A {{ a }}"):
        with pytest.raises(WriteRefused):
            refuse_writes(graph(changed, variables={"query": "{ a }"}))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"query":5}', b"{}", b"mutation { a }", b'{"query":"{a}","query":"mutation{a}"}']
)
def test_bodies_that_cannot_be_looked_at_are_refused(body: bytes) -> None:
    with pytest.raises(WriteRefused):
        refuse_writes(Call("POST", GRAPH, "x", body=body))


@pytest.mark.parametrize("body", [b"SELECT * FROM Invoice", b"  select count(*) from Bill", b"\nSELECT\tId FROM Item"])
def test_a_select_may_be_posted(body: bytes) -> None:
    refuse_writes(Call("POST", "/v3/company/1/query", "x", body=body))


@pytest.mark.parametrize(
    "call",
    [
        Call("POST", "/v3/company/1/query", "x", body=b"UPDATE Invoice"),
        Call("POST", "/v3/company/1/query", "x", body=b"selection"),
        Call("POST", "/v3/company/1/query", "x"),
        Call("POST", "/v3/company/1/invoice", "x", body=b"SELECT * FROM Invoice"),
        Call("POST", "/v3/company/1/batch", "x", body=b"{}"),
        Call("PUT", "/v3/company/1/query", "x", body=b"SELECT 1"),
        Call("DELETE", "/x", "x"),
        Call("PATCH", "/x", "x"),
        Call("get", "/x", "x", body=b"x"),
    ],
)
def test_other_calls_are_refused(call: Call) -> None:
    with pytest.raises(WriteRefused):
        refuse_writes(call)


def test_get_and_head_read() -> None:
    refuse_writes(Call("GET", "/x", "x"))
    refuse_writes(Call("HEAD", "/x", "x"))


@pytest.mark.parametrize(
    "path, body, fine",
    [
        ("/reports/2021-06-30/reports", b'{"reportType":"GET_FLAT_FILE_ALL_ORDERS_DATA"}', True),
        ("/reports/2021-06-30/reports", b'{"reportType":"POST_PRODUCT_DATA"}', False),
        ("/reports/2021-06-30/reports", b'{"reportType":["GET_A_REPORT"]}', False),
        ("/reports/2021-06-30/reports", b'{"reportType":"get_a_report"}', False),
        ("/reports/2021-06-30/reports", b"[]", False),
        ("/reports/2021-06-30/reports", b"", False),
        ("/reports/2021-06-30/schedules", b'{"reportType":"GET_A_REPORT"}', False),
        ("/x/reports/2021-06-30/reports", b'{"reportType":"GET_A_REPORT"}', False),
    ],
)
def test_asking_for_a_report_reads(path: str, body: bytes, fine: bool) -> None:  # noqa: FBT001 - a table's column
    call = Call("POST", path, "x", body=body)
    if fine:
        refuse_writes(call)
    else:
        with pytest.raises(WriteRefused):
            refuse_writes(call)
    with pytest.raises(WriteRefused):
        refuse_writes(Call("DELETE", path, "x", body=body))
