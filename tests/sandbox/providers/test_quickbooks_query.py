"""The query language, its answers and its faults."""

import httpx
import pytest

from sandbox.providers.quickbooks.query import parse
from sandbox.providers.quickbooks.values import decode
from tests.sandbox.providers.conftest import REALM, QuickBooksBench, hours


def codes(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["Fault"]["Error"][0]
    return answer.status_code, error["code"], error["Detail"]


async def test_a_page_tells_where_it_starts_and_how_long_it_is(quickbooks: QuickBooksBench) -> None:
    answer = await quickbooks.query("SELECT * FROM Invoice STARTPOSITION 51 MAXRESULTS 20")
    body = answer.json()["QueryResponse"]
    assert (body["startPosition"], body["maxResults"], len(body["Invoice"])) == (51, 10, 10)
    assert answer.headers["intuit_tid"]
    assert answer.headers["content-type"] == "application/json"


async def test_pages_join_to_the_truth(quickbooks: QuickBooksBench) -> None:
    found = []
    for start in range(1, 61, 7):
        statement = f"select * from Invoice orderby MetaData.LastUpdatedTime startposition {start} maxresults 7"
        page = decode((await quickbooks.query(statement)).content)["QueryResponse"]["Invoice"]
        found += page
    times = [record["MetaData"]["LastUpdatedTime"] for record in found]
    assert len({record["Id"] for record in found}) == 60
    assert sorted(found, key=lambda r: int(r["Id"])) == sorted(
        quickbooks.books.truth("Invoice"), key=lambda r: int(r["Id"])
    )
    assert times != sorted(times, reverse=True)


async def test_an_empty_answer_has_no_entity_key(quickbooks: QuickBooksBench) -> None:
    answer = await quickbooks.query("select * from Invoice where DocNumber = 'nothing'")
    assert answer.json()["QueryResponse"] == {}
    beyond = await quickbooks.query("select * from Invoice startposition 1000")
    assert beyond.json()["QueryResponse"] == {}


async def test_counting(quickbooks: QuickBooksBench) -> None:
    assert (await quickbooks.query("SELECT COUNT(*) FROM Invoice")).json()["QueryResponse"] == {"totalCount": 60}


async def test_the_default_page_is_a_hundred(quickbooks: QuickBooksBench) -> None:
    quickbooks.books.mutate(1, new=150)
    assert len(await quickbooks.found("select * from Invoice")) == 100


@pytest.mark.parametrize(
    "statement,code,detail",
    [
        ("select * from Invoice startposition 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("select * from Invoice maxresults 1001", "4001", "value 1001 is too large. Max allowed value is 1000"),
        ("select * from Nonsense", "4001", "Entity Nonsense"),
        ("select * from Invoice where Nonsense = '1'", "4001", "property 'Nonsense' not found for Invoice"),
        ("select * from Invoice where MetaData.LastUpdatedTime > 'soon'", "4001", "soon"),
        ("select * from Invoice where MetaData.LastUpdatedTime > '2026-11-18T00:00:00 08:00'", "4001", " 08:00"),
        ("select * from Invoice where TotalAmt > 'much'", "4001", "much"),
        ("select from Invoice", "4000", "QueryParserError"),
        ("select * from Invoice where Id = '1' or Id = '2'", "4000", "or"),
        ("select * from Invoice where DocNumber like", "4000", "<EOF>"),
        ("select * from Invoice; drop", "4000", ";"),
        ("", "4000", "<EOF>"),
    ],
)
async def test_a_statement_that_is_wrong_is_a_fault(
    quickbooks: QuickBooksBench, statement: str, code: str, detail: str
) -> None:
    status, found, words = codes(await quickbooks.query(statement))
    assert (status, found) == (400, code)
    assert detail in words


async def test_changes_since_an_instant_with_any_offset(quickbooks: QuickBooksBench) -> None:
    books, clock = quickbooks.books, quickbooks.clock
    before = clock.now().replace(microsecond=0)
    clock.advance(hours(0.5))
    change = books.mutate(3, changed=4, new=2)
    touched = {id_ for entity, id_ in (*change.new, *change.changed) if entity == "Invoice"}
    for text in (
        before.isoformat(),
        before.astimezone(books.zone).isoformat(),
        before.isoformat().replace("+00:00", "Z"),
    ):
        found = await quickbooks.found(f"select * from Invoice where Metadata.LastUpdatedTime > '{text}'")
        assert {record["Id"] for record in found} == touched
    later = (clock.now() + hours(1)).isoformat()
    window = (
        f"select * from Invoice where MetaData.LastUpdatedTime > '{later}' and MetaData.LastUpdatedTime <= '{later}'"
    )
    assert await quickbooks.found(window) == []


async def test_times_carry_the_offset_of_the_company(quickbooks: QuickBooksBench) -> None:
    found = await quickbooks.found("select * from Invoice")
    assert {record["MetaData"]["LastUpdatedTime"][-6:] for record in found} <= {"-07:00", "-08:00"}
    assert len({record["MetaData"]["LastUpdatedTime"][-6:] for record in found}) == 2


async def test_inactive_names_are_hidden_unless_asked_for(quickbooks: QuickBooksBench) -> None:
    change = quickbooks.books.mutate(5, deactivated=2)
    gone = {id_ for entity, id_ in change.changed if entity == "Customer"}
    plain = {record["Id"] for record in await quickbooks.found("select * from Customer maxresults 1000")}
    both = {
        record["Id"]
        for record in await quickbooks.found("select * from Customer where Active in (true, false) maxresults 1000")
    }
    only = {record["Id"] for record in await quickbooks.found("select * from Customer where Active = false")}
    assert len(gone) == 2
    assert both - plain == gone == only
    assert both == quickbooks.books.ids("Customer")


async def test_deleted_transactions_vanish(quickbooks: QuickBooksBench) -> None:
    change = quickbooks.books.mutate(5, deleted=3)
    gone = {id_ for _, id_ in change.deleted}
    found = {record["Id"] for record in await quickbooks.found("select * from Invoice maxresults 1000")}
    assert len(gone) == 3
    assert not gone & found
    assert quickbooks.books.deleted("Invoice") == gone
    read = await quickbooks.client.get(f"/v3/company/{REALM}/invoice/{gone.pop()}")
    assert codes(read)[:2] == (400, "610")


async def test_comparisons_of_text_numbers_dates_and_references(quickbooks: QuickBooksBench) -> None:
    records = quickbooks.books.truth("Invoice")
    customer = records[0]["CustomerRef"]["value"]
    for statement, expected in (
        (f"CustomerRef = '{customer}'", {r["Id"] for r in records if r["CustomerRef"]["value"] == customer}),
        ("TotalAmt >= '1000.00'", {r["Id"] for r in records if r["TotalAmt"] >= 1000}),
        (
            "TxnDate < '2025-11-20' and Balance = 0",
            {r["Id"] for r in records if r["TxnDate"] < "2025-11-20" and not r["Balance"]},
        ),
        ("DocNumber like '100%'", {r["Id"] for r in records if r["DocNumber"].startswith("100")}),
        ("Id in ('101', '102', '103')", {r["Id"] for r in records} & {"101", "102", "103"}),
        ("Id > '150'", {r["Id"] for r in records if int(r["Id"]) > 150}),
    ):
        found = {r["Id"] for r in await quickbooks.found(f"select * from Invoice where {statement} maxresults 1000")}
        assert found == expected, statement


async def test_quotes_are_escaped_with_a_backslash(quickbooks: QuickBooksBench) -> None:
    name = 'O\'Brien & "Sons"'
    quickbooks.books.set_records("Customer", [quickbooks.books.truth("Customer")[0] | {"DisplayName": name}])
    found = await quickbooks.found("select * from Customer where DisplayName = 'O\\'Brien & \"Sons\"'")
    assert [record["DisplayName"] for record in found] == [name]


async def test_a_statement_may_be_posted_as_text(quickbooks: QuickBooksBench) -> None:
    path, headers = f"/v3/company/{REALM}/query", {"Content-Type": "application/text"}
    answer = await quickbooks.client.post(path, content="select count(*) from Invoice", headers=headers)
    assert answer.json()["QueryResponse"] == {"totalCount": 60}
    assert quickbooks.app.journal.mutating() == []
    assert (await quickbooks.client.post(path, json={"q": 1})).status_code == 415


async def test_company_info_by_both_ways(quickbooks: QuickBooksBench) -> None:
    by_query = await quickbooks.found("select * from CompanyInfo")
    by_path = (await quickbooks.client.get(f"/v3/company/{REALM}/companyinfo/{REALM}")).json()["CompanyInfo"]
    assert by_query == [by_path]
    assert by_path["CompanyName"] == "Temerity Goods"
    assert by_path["CompanyAddr"]["Country"] == "USA"


async def test_who_does_not_ask_for_json_gets_xml(quickbooks: QuickBooksBench) -> None:
    answer = await quickbooks.query("select * from Vendor maxresults 1", accept="*/*")
    assert answer.headers["content-type"] == "application/xml"
    assert answer.text.startswith('<?xml version="1.0"')
    assert "<DisplayName>" in answer.text


async def test_amounts_are_numbers_and_ids_are_text(quickbooks: QuickBooksBench) -> None:
    record = (await quickbooks.found("select * from Invoice maxresults 1"))[0]
    assert isinstance(record["Id"], str)
    assert isinstance(record["SyncToken"], str)
    assert isinstance(record["TotalAmt"], float)
    raw = (await quickbooks.query("select * from Invoice maxresults 100")).text
    assert '"TotalAmt":"' not in raw


def test_identifiers_and_keywords_are_case_insensitive() -> None:
    query = parse("SELECT * FROM invoice WHERE METADATA.lastupdatedtime >= '2026-01-01' ORDER BY id DESC, DocNumber")
    assert query.order == (("id", True), ("DocNumber", False))
    assert query.conditions[0].operator == ">="
