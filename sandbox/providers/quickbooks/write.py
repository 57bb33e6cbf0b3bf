"""Writes, answered as QuickBooks answers them; readers must cause none, and the journal shows each one."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.table import NAME_LISTS
from sandbox.providers.quickbooks.values import Record, decode, encode, now_text, stamp


def write(books: Books, entity: str, data: bytes, parameters: Mapping[str, str]) -> tuple[bytes, str]:
    """Create, update, delete or void; returns the body and what happened, raises Refusal."""
    if entity not in books.tables:
        raise Refusal.query(f"Unsupported Operation: {entity}")
    body = _body(data)
    operation = parameters.get("operation", "update" if "Id" in body else "create")
    now = books.clock.now()
    time = now_text(now, books.zone)
    moment = stamp(int(now.timestamp()), books.zone)
    with books.lock:
        if operation == "create":
            record = _created(books, entity, body, moment)
        else:
            present = _present(books, entity, body)
            if operation == "delete":
                return _delete(books, entity, present, time)
            present["SyncToken"] = str(int(present["SyncToken"]) + 1)
            present["MetaData"] = {**present["MetaData"], "LastUpdatedTime": moment}
            fresh = {key: value for key, value in body.items() if key not in ("Id", "SyncToken", "MetaData", "sparse")}
            record = present | fresh
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
