"""Writes, answered as QuickBooks answers them; readers must cause none, and the journal shows each one."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sandbox.providers.quickbooks import estimates
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.table import NAME_LISTS
from sandbox.providers.quickbooks.values import Record, decode, encode, now_text, stamp

#: items of one batch
MOST_ITEMS = 30


def write(books: Books, entity: str, data: bytes, parameters: Mapping[str, str]) -> tuple[bytes, str]:
    """Create, update, delete or void; returns the body and what happened, raises Refusal.

    With a ``requestid`` that was used before it returns what it returned then, and does nothing.
    """
    name = parameters.get("requestid", "")
    with books.lock:
        if name and name in books.answered:
            body, _ = books.answered[name]
            return body, f"repeated {entity}"
        done = _written(books, entity, data, parameters)
        if name:
            books.answered[name] = done
        return done


def batch(books: Books, data: bytes, parameters: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """Do all items, each for itself; returns the body and what happened."""
    items = _body(data).get("BatchItemRequest")
    if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
        raise Refusal("1040", "The maximum number of batch items is exceeded", f"{MOST_ITEMS} items at most")
    time = now_text(books.clock.now(), books.zone)
    answers, effects = [], []
    for item in items:
        id_ = str(item.get("bId", ""))
        entity = next((name for name in item if name in books.tables), "")
        named = {"requestid": f"{parameters['requestid']}{id_}"} if parameters.get("requestid") else {}
        try:
            body, effect = write(
                books, entity, encode(item.get(entity)), {"operation": item.get("operation", ""), **named}
            )
            answers.append({"bId": id_, entity: decode(body)[entity]})
            effects.append(effect)
        except Refusal as refusal:
            answers.append({"bId": id_, "Fault": refusal.body(time)["Fault"]})
    return encode({"BatchItemResponse": answers, "time": time}), effects


def _written(books: Books, entity: str, data: bytes, parameters: Mapping[str, str]) -> tuple[bytes, str]:
    if entity not in books.tables:
        raise Refusal.query(f"Unsupported Operation: {entity}")
    body = _body(data)
    operation = parameters.get("operation", "update" if "Id" in body else "create")
    now = books.clock.now()
    time = now_text(now, books.zone)
    moment = stamp(int(now.timestamp()), books.zone)
    with books.lock:
        if operation == "create":
            _refuse_twins(books, entity, body)
            record = _created(books, entity, body, moment)
        else:
            present = _present(books, entity, body)
            if operation == "delete":
                return _delete(books, entity, present, time)
            present["SyncToken"] = str(int(present["SyncToken"]) + 1)
            present["MetaData"] = {**present["MetaData"], "LastUpdatedTime": moment}
            fresh = {key: value for key, value in body.items() if key not in ("Id", "SyncToken", "MetaData", "sparse")}
            record = present | fresh
        if entity == "Estimate":
            record = estimates.completed(books, record)
        books.change(put=[(entity, record)], at=now)
    return encode({entity: record, "time": time}), f"{operation}d {entity} {record['Id']}"


def _body(data: bytes) -> Record:
    try:
        body = decode(data)
    except msgspec.DecodeError:
        raise Refusal("2010", "Request has invalid or unsupported property", "JSON cannot be read") from None
    if not isinstance(body, dict):
        raise Refusal("2010", "Request has invalid or unsupported property", "an object is needed")
    return body


def _created(books: Books, entity: str, body: Record, moment: str) -> Record:
    id_ = books.next_name_id(entity) if entity in NAME_LISTS else books.next_id()
    times = {"CreateTime": moment, "LastUpdatedTime": moment}
    active: dict[str, Any] = {"Active": True} if entity in NAME_LISTS else {}
    return {**active, **body, "domain": "QBO", "sparse": False, "Id": id_, "SyncToken": "0", "MetaData": times}


def _refuse_twins(books: Books, entity: str, body: Record) -> None:
    """Customers, vendors and employees have names that nobody else has."""
    named = ("Customer", "Vendor", "Employee")
    name = body.get("DisplayName")
    if (
        entity in named
        and name
        and any(one.get("DisplayName") == name for other in named for one in books.tables[other].records())
    ):
        raise Refusal("6240", "Duplicate Name Exists Error", "The name supplied already exists.")


def _present(books: Books, entity: str, body: Record) -> Record:
    record = books.tables[entity].get(str(body.get("Id")))
    if record is None:
        raise Refusal.missing(f"{entity} {body.get('Id')}")
    if "SyncToken" not in body:
        raise Refusal.required("SyncToken")
    if str(body["SyncToken"]) != record["SyncToken"]:
        raise Refusal.stale()
    return record


def _delete(books: Books, entity: str, record: Record, time: str) -> tuple[bytes, str]:
    if entity in NAME_LISTS:
        raise Refusal.query(f"Operation delete is not supported for {entity}")
    books.change(remove=[(entity, str(record["Id"]))], at=books.clock.now())
    gone = {"domain": "QBO", "status": "Deleted", "Id": record["Id"]}
    return encode({entity: gone, "time": time}), f"deleted {entity} {record['Id']}"
