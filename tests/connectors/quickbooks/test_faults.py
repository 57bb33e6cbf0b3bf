"""All shapes in which QuickBooks says no."""

from pathlib import Path

import httpx
import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.quickbooks.company import QueryAnswer
from connectors.quickbooks.faults import fault, judge
from connectors.wire import Answer


def answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, httpx.Headers(headers or {}), body, "tid-1")


COLLECTED = [
    ("synthetic/faults/200_with_fault.json", 200, Broken, "request_refused"),
    ("synthetic/faults/400_duplicate_docnumber_6140.json", 400, Broken, "request_refused"),
    ("synthetic/faults/400_duplicate_name_6240.json", 400, Broken, "request_refused"),
    ("synthetic/faults/400_stale_5010.json", 400, Broken, "request_refused"),
    ("synthetic/faults/400_validation_2500.json", 400, Broken, "request_refused"),
    ("synthetic/faults/401_gateway_lowercase.json", 401, Reconnect, "token_rejected"),
    ("synthetic/faults/401_xml_code100.xml", 401, Reconnect, "token_rejected"),
    ("synthetic/faults/403_gateway_lowercase.json", 403, Broken, "wrong_environment"),
    ("synthetic/faults/429_throttle.json", 429, Retry, "throttled"),
    ("faults/fault.xml", 400, Broken, "request_refused"),
    ("faults/generic_error.xml", 500, Retry, "server_error"),
    ("faults/throttle_exceeded_error.xml", 403, Retry, "throttled"),
    ("faults/too_many_requests_error.xml", 429, Retry, "throttled"),
    ("faults/query_validation_error.xml", 400, Broken, "query_refused"),
    ("faults/customer_duplicate_error.xml", 400, Broken, "request_refused"),
    ("faults/tax_service_error_dup.json", 400, Broken, "request_refused"),
]


@pytest.mark.contracts
@pytest.mark.parametrize(
    "name, status, expected, code", COLLECTED, ids=[row[0].rpartition("/")[2] for row in COLLECTED]
)
def test_collected_faults(contracts: Path, name: str, status: int, expected: type[ConnectorError], code: str) -> None:
    body = (contracts / "qbo" / name).read_bytes()
    problem = QueryAnswer("Invoice").judge(answer(status, body))
    assert type(problem) is expected
    assert problem.code == code
    assert problem.request_id == "tid-1"
    if code == "throttled":
        assert isinstance(problem, Retry)
        assert problem.after == 60


@pytest.mark.contracts
def test_no_collected_fault_is_left_out(contracts: Path) -> None:
    listed = {name for name, *_ in COLLECTED}
    found = {f"synthetic/faults/{path.name}" for path in (contracts / "qbo/synthetic/faults").iterdir()}
    assert found <= listed


@pytest.mark.contracts
def test_collected_query_answers_are_no_faults(contracts: Path) -> None:
    for name, entity, count in (
        ("query_customers", "Customer", 1),
        ("query_empty", "Customer", 0),
        ("query_items", "Item", 1),
    ):
        found = QueryAnswer(entity)
        assert found.judge(answer(200, (contracts / f"qbo/synthetic/responses/{name}.json").read_bytes())) is None
        assert len(found.records) == count
        assert found.time is not None
    counted = QueryAnswer("Customer")
    assert counted.judge(answer(200, (contracts / "qbo/synthetic/responses/query_count.json").read_bytes())) is None
    assert counted.count == 137


def made(code: str, kind: str = "ValidationFault") -> bytes:
    return f'{{"Fault":{{"Error":[{{"Message":"m","code":"{code}"}}],"type":"{kind}"}},"time":"x"}}'.encode()


@pytest.mark.parametrize(
    "status, body, expected, code",
    [
        (200, b"", Retry, "not_json"),
        (200, b"<html>sorry</html>", Retry, "not_json"),
        (200, b"null", Retry, "not_json"),
        (200, b"[]", Retry, "not_json"),
        (200, b'{"QueryResponse":null}', Retry, "not_json"),
        (200, b'{"QueryResponse":{"Invoice":{}}}', Retry, "not_json"),
        (200, b'{"QueryResponse":{"totalCount":"x"}}', Retry, "not_json"),
        (200, b'{"a":' + b"[" * 100_000, Retry, "not_json"),
        (200, b'\xef\xbb\xbf<Fault type="SERVICE"><Error code="003001"/></Fault>', Retry, "throttled"),
        (400, made("6190"), Broken, "subscription_lapsed"),
        (400, made("3100"), Broken, "wrong_environment"),
        (401, made("120", "AuthorizationFault"), Broken, "no_access"),
        (403, made("3201"), Reconnect, "company_not_granted"),
        (400, made("003200", "AUTHENTICATION"), Reconnect, "token_rejected"),
        (400, made("10000", "SystemFault"), Retry, "server_error"),
        (401, b"", Reconnect, "token_rejected"),
        (403, b"<html>", Broken, "access_refused"),
        (418, b"", Broken, "request_refused"),
        (429, b"<html>slow down</html>", Retry, "throttled"),
    ],
)
def test_made_up_faults(status: int, body: bytes, expected: type[ConnectorError], code: str) -> None:
    problem = QueryAnswer("Invoice").judge(answer(status, body))
    assert type(problem) is expected
    assert problem.code == code


def test_server_errors_without_a_body_are_left_to_the_shared_judge() -> None:
    assert judge(answer(502, b"<html>")) is None


def test_details_are_our_own_words() -> None:
    secret = "Bearer abc.def"
    problem = judge(answer(400, made("2500").replace(b'"m"', f'"{secret}"'.encode())))
    assert problem is not None
    assert secret not in str(problem)


def test_a_doctype_bomb_is_only_searched() -> None:
    assert fault(b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + b"<x>" * 10_000) is None
