"""Records' bytes become exact columns, or an error that names the record; never a guess."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decode import Decoded, Record, decode
from connectors.errors import Broken
from connectors.shapes import Field, Lines, Shape
from connectors.strangers import strangers
from storage.facts.streams import ColumnType
from tests.connectors.equality import typed

SHAPE = Shape(
    name="things",
    label="Things",
    updated="at",
    version="v",
    fields=(
        Field("id", "id"),
        Field("amount", "amount", ColumnType.MONEY),
        Field("rate", "rate", ColumnType.NUMBER),
        Field("number", "number", ColumnType.INTEGER),
        Field("open", "open", ColumnType.BOOLEAN),
        Field("day", "day", ColumnType.DATE),
        Field("owner_id", "owner.value"),
        Field("tags", "tags[]"),
        Field("link", "links[].to"),
        Field("either", "a.x|b.x"),
    ),
    lines=(
        Lines(
            "thing_lines",
            "lines",
            (Field("name", "name"), Field("worth", "worth", ColumnType.MONEY)),
            nested="group.lines",
        ),
    ),
)

#: the largest amount that may be
MOST = Decimal("999999999999999.99")


def made(**more: Any) -> bytes:
    return json.dumps({"id": "1", "v": "0", "at": "2026-11-13T08:30:00-08:00", **more}).encode()


def written(text: str) -> bytes:
    return b'{"id":"1","at":"2026-11-13T08:30:00Z",' + text.encode() + b"}"


def one(record: bytes) -> dict[str, Any]:
    found: list[dict[str, Any]] = decode(SHAPE, [[record]]).batch.rows.to_pylist()
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1", "1"), ("0.1", "0.1"), ("-0.05", "-0.05"), ("1e2", "100"), ("1.5E1", "15"), ("10.000", "10"), ("-0.0", "0"),
        ("900719925474099.01", "900719925474099.01"), ("-999999999999999.99", "-999999999999999.99"),
        ('"12.50"', "12.5"), ('"+5"', "5"), ('""', None), ("null", None),
    ],
)  # fmt: skip
def test_amounts_are_exact(text: str, expected: str | None) -> None:
    assert one(written(f'"amount":{text}'))["amount"] == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "1e99999999999",
        "1" * 30,
        "99999999999999999",
        '"1,5"',
        '"1 000"',
        '"٣"',
        '"0x10"',
        '"1_0"',
        "true",
        "{}",
        "[]",
        '"abc"',
    ],
)
def test_what_is_no_amount_is_refused_with_the_records_id(text: str) -> None:
    with pytest.raises(Broken) as caught:
        one(b'{"id":"inv-77","at":"2026-11-13T08:30:00Z","amount":' + text.encode() + b"}")
    assert caught.value.code in {"value_unreadable", "record_unreadable"}
    assert "inv-77" in caught.value.detail or caught.value.code == "record_unreadable"


def test_more_decimals_than_the_column_are_rounded_and_said() -> None:
    found = decode(SHAPE, [[made(id="0", amount=10.005), written('"amount":2.675')]])
    assert found.rounded == 2
    assert [row["amount"] for row in found.batch.rows.to_pylist()] == [Decimal("10.00"), Decimal("2.68")]
    assert '"amount":2.675' in found.batch.rows.to_pylist()[1]["_raw"]


@settings(max_examples=60, deadline=None)
@given(
    st.decimals(min_value=-MOST, max_value=MOST, places=2),
    st.decimals(min_value=-(10**12), max_value=10**12, places=9),
)
def test_any_amount_comes_through_unchanged(amount: Decimal, rate: Decimal) -> None:
    row = one(written(f'"amount":{amount},"rate":{rate}'))
    assert (row["amount"], row["rate"]) == (amount, rate)


@pytest.mark.parametrize(
    "text", ['"amount":1000000000000000', '"rate":-1e15', '"amount":999999999999999.999', '"lines":[{"worth":1e15}]']
)
def test_an_amount_that_no_ready_table_could_hold_is_refused_by_name(text: str) -> None:
    with pytest.raises(Broken, match=r"Things, record 1: .* has more than 15 digits"):
        one(written(text))


nasty = st.text(max_size=20)


@settings(max_examples=60, deadline=None)
@given(nasty, st.lists(nasty, max_size=3), st.lists(st.one_of(st.none(), nasty), max_size=4))
def test_any_text_comes_through_unchanged(owner: str, tags: list[str], names: list[str | None]) -> None:
    record = made(owner={"value": owner}, tags=tags, lines=[{"name": name, "worth": 1} for name in names])
    found = decode(SHAPE, [[record]])
    row = found.batch.rows.to_pylist()[0]
    assert (row["owner_id"], row["tags"], row["_raw"]) == (owner, ", ".join(tags), record.decode())
    assert [line["name"] for line in found.batch.children["thing_lines"].to_pylist()] == names


@pytest.mark.parametrize(
    "more, column, expected",
    [
        ({"owner": {"value": 5}}, "owner_id", "5"), ({"owner": "x"}, "owner_id", "x"), ({"owner": None}, "owner_id", None),
        ({"open": "true"}, "open", True), ({"number": "7"}, "number", 7), ({"number": 7.0}, "number", 7), ({"day": ""}, "day", None),
        ({"day": "2026-11-12-08:00"}, "day", typed("2026-11-12", ColumnType.DATE)), ({"links": []}, "link", None),
        ({"links": [{"to": "a"}, {"to": "b"}]}, "link", "a"), ({"links": {"to": "a"}}, "link", "a"),
        ({"b": {"x": "second"}}, "either", "second"), ({"a": {"x": "first"}, "b": {"x": "second"}}, "either", "first"),
        ({"id": 1, "v": 3}, "id", "1"),
    ],
)  # fmt: skip
def test_odd_but_clear_values_are_understood(more: dict[str, Any], column: str, expected: Any) -> None:
    assert one(made(**more))[column] == expected


@pytest.mark.parametrize(
    "more",
    [
        {"open": "maybe"},
        {"number": 1.5},
        {"day": "soon"},
        {"at": "yesterday"},
        {"at": "2026-11-13T08:30:00"},
        {"owner": [1]},
        {"lines": [5]},
    ],
)
def test_unclear_values_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Broken, match="record 1"):
        one(made(**more))


@pytest.mark.parametrize(
    "record",
    [
        b"null",
        b"[1]",
        b"5",
        b'"x"',
        b'{"id":null,"at":"2026-11-13T08:30:00Z"}',
        b'{"at":"2026-11-13T08:30:00Z"}',
        b'{"id":"\xff"}',
        b'{"id":"1"',
    ],
)
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(Broken):
        one(record)


def test_half_a_character_does_not_stop_the_books() -> None:
    row = one(b'{"id":"1","at":"2026-11-13T08:30:00Z","owner":{"value":"a\\ud83d"}}')
    assert row["owner_id"] == "a\ufffd"
    assert "\\ud83d" in row["_raw"]


@pytest.mark.parametrize("value", [r'"\ud800"', "NaN", "[" * 50_000 + "]" * 50_000], ids=["half", "nan", "deep"])
def test_a_record_that_can_be_read_is_not_refused_for_a_field_that_nobody_reads(value: str) -> None:
    record = written(f'"stray":1,"other":{value}')
    assert one(record)["id"] == "1"
    assert strangers([[record, made(stray=1)]], {"id", "v", "at"}) == {"stray"}


@pytest.mark.parametrize(
    "text, path", [('"amount":1,"amount":2', "amount"), ('"owner":{"value":"a","value":"b"}', "owner.value"),
                   ('"lines":[{"worth":1,"worth":1}]', "lines.worth"), ('"id":"2"', "id")],
)  # fmt: skip
def test_a_name_that_comes_twice_is_refused_where_it_is_read(text: str, path: str) -> None:
    with pytest.raises(Broken, match=rf"Things, record [1?]: {path} comes twice"):
        one(written(text))


def test_a_name_that_comes_twice_stops_nothing_where_nobody_reads_it() -> None:
    assert one(written('"other":1,"other":2,"number":"7"'))["number"] == 7


def test_one_odd_page_does_not_change_the_others() -> None:
    pages = [[made(id=str(n), amount=n) for n in range(start, start + 3)] for start in (0, 3, 6)]
    pages[1][1] = made(id="4", amount="4.00", owner={"value": 9})
    rows = decode(SHAPE, pages).batch.rows.to_pylist()
    assert [(row["id"], row["amount"]) for row in rows] == [(str(n), Decimal(n)) for n in range(9)]


def test_lines_of_groups_follow_the_others() -> None:
    group = {"name": "kit", "group": {"lines": [{"name": "a", "worth": 1}, {"name": "b", "worth": 2}]}}
    record = made(lines=[{"name": "first", "worth": 3}, group, None, {"name": "last", "worth": 4}])
    other = made(id="2", lines=[{"name": "only", "worth": 1}])
    lines = decode(SHAPE, [[record, other]]).batch.children["thing_lines"].to_pylist()
    mine = [(line["position"], line["name"], line["in_group"]) for line in lines if line["parent_id"] == "1"]
    assert mine == [(0, "first", False), (1, "kit", False), (2, "last", False), (3, "a", True), (4, "b", True)]
    assert [line["name"] for line in lines if line["parent_id"] == "2"] == ["only"]


def doubled() -> list[list[bytes]]:
    """Page drift: record 1 stands on both pages, newer on the first; record 2 twice on one."""
    return [
        [made(id="1", v="4", amount=4, lines=[{"name": "new"}]), made(id="2", v="1")],
        [made(id="1", v="3", amount=3, lines=[{"name": "old"}]), made(id="3", v="1"), made(id="2", v="2", amount=9)],
    ]


def without_dedupe(pages: list[list[bytes]]) -> list[str]:
    """The twin that believes that pages do not overlap."""
    return [row["id"] for page in pages for record in page for row in decode(SHAPE, [[record]]).batch.rows.to_pylist()]


@pytest.mark.parametrize("page", ["plain", "odd"])
def test_drifted_pages_give_each_record_once_in_its_highest_version(page: str) -> None:
    pages: list[list[bytes]] = doubled()
    if page == "odd":
        pages[0].append(made(id="odd", owner={"value": 1}))
    found = decode(SHAPE, pages)
    rows = {row["id"]: row["amount"] for row in found.batch.rows.to_pylist()}
    assert len(rows) == found.batch.rows.num_rows == (4 if page == "odd" else 3)
    assert (rows["1"], rows["2"]) == (Decimal(4), Decimal(9))
    lines = found.batch.children["thing_lines"].to_pylist()
    assert [line["name"] for line in lines if line["parent_id"] == "1"] == ["new"]
    assert len(without_dedupe(doubled())) == 5


def test_without_versions_the_later_page_wins() -> None:
    plain = Shape("t", "T", SHAPE.fields[:2], updated="at")
    rows = decode(plain, [[made(id="1", amount=1)], [made(id="1", amount=2)]]).batch.rows.to_pylist()
    assert [row["amount"] for row in rows] == [Decimal(2)]


def test_equal_bytes_have_equal_hashes_and_nothing_else() -> None:
    first, again, other = one(made(amount=1)), one(made(amount=1)), one(made(amount=2))
    assert first["_hash"] == again["_hash"] != other["_hash"]


def test_an_empty_read_is_an_empty_batch() -> None:
    found: Decoded = decode(SHAPE, [[], []])
    assert found.batch.rows.num_rows == 0
    assert found.newest is None


def test_raw_slices_of_a_page_are_records() -> None:
    page: list[Record] = list(
        msgspec.json.decode(b"[ " + made(id="a") + b" , " + made(id="b") + b" ]", type=list[msgspec.Raw])
    )
    assert decode(SHAPE, [page]).ids == ["a", "b"]
