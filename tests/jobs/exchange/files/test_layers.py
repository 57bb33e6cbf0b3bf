"""An organization's own layer: it survives updates, conflicts are told, versions are kept, and nothing changes unasked."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from jobs.exchange.fil import FilRules
from jobs.exchange.mapping import Inputs, Mapped, Mapper, MappingError, Profile, Rejected
from jobs.exchange.mapping.differing import Comparing, differences
from jobs.exchange.mapping.layers import merged, read_layers
from jobs.exchange.mapping.reading import DEFAULT, load_profile, read_profile
from jobs.exchange.mapping.service import (
    Saved,
    begin,
    history,
    in_force,
    mapping_of,
    propose,
    restore,
    save,
    updates,
)
from storage.records import exchange_mappings
from storage.sessions import Database, Session
from storage.tables import ExchangeMappingRow, OrganizationRow
from tests.jobs.exchange.files.ground import company, inputs

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PHONE = "pairs: {customers: {change: {PHONE: Mobile.FreeFormNumber}}}"
FULL = """
# What the warehouse in Reno wants.
tables: {regions: {CA: West, NY: East}}
pairs:
  customers:
    change:
      PHONE: {from: "or_else(Mobile.FreeFormNumber, PrimaryPhone.FreeFormNumber)", width: 14}
    add:
      REGION: {from: 'lookup("regions", BillAddr.CountrySubDivisionCode, "Other")', after: BILL_STATE}
      NOTE: Note.Text
    remove: [FAX]
    move: {EMAIL: NAME, ACTIVE: first}
    fields: {text: [Note.Text]}
"""
_V1 = """
profile: inventiv-default
version: {version}
status: assumption
note: of a test
pairs:
  customers:
    file: customer
    keys: [CUST_NO]
    fields: {{text: [Id, Name, Phone, Mobile], flag: [Active]}}
    columns: {{CUST_NO: Id, NAME: Name{more}}}
"""
V1 = read_profile(_V1.format(version=1, more=", PHONE: Phone"))
V2 = read_profile(_V1.format(version=2, more=", PHONE: Phone, CELL: Mobile"))
V3 = read_profile(_V1.format(version=3, more=", CELL: Mobile"))
MOBILE = "pairs: {customers: {change: {PHONE: Mobile}}}"


def load(_: str, version: int | None = None) -> Profile:
    return {1: V1, 2: V2, 3: V3, None: V2}[version]


def test_a_layer_changes_adds_removes_and_moves() -> None:
    profile = merged(load_profile(), read_layers(FULL)).profile
    pair = profile.pair("customers")
    names = [column.name for column in pair.columns]
    assert names[:4] == ["ACTIVE", "CUST_NO", "NAME", "EMAIL"]
    assert names[names.index("BILL_STATE") + 1] == "REGION"
    assert (names[-1], "FAX" in names) == ("NOTE", False)
    result = Mapper(pair, inputs()).map(company()["Customer"][0] | {"Note": {"Text": "hello"}})
    assert isinstance(result, Mapped)
    row = Mapper(pair, inputs()).named(result.rows[0])
    assert (row["REGION"], row["NOTE"]) == ("East", "hello")
    assert profile.pair("items").columns == load_profile().pair("items").columns


def test_what_is_another_is_said_in_plain_words() -> None:
    before = load_profile()
    assert differences(before, merged(before, read_layers(PHONE)).profile) == [
        "customers PHONE: was PrimaryPhone.FreeFormNumber, is Mobile.FreeFormNumber"
    ]
    said = differences(before, merged(before, read_layers(FULL)).profile)
    assert "customers FAX: is removed (was Fax.FreeFormNumber)" in said
    assert "customers NOTE: is new, Note.Text" in said
    assert "customers PHONE: was of any length, is at most 14 characters" in said
    assert "table regions, CA: is new, West" in said
    assert any(each.startswith("customers order of the columns: is ACTIVE, CUST_NO, NAME, EMAIL") for each in said)
    assert differences(before, before) == []


@pytest.mark.parametrize("text, said", [
    ("pairs: {customers: {remove: [CUST_NO]}}", "customers CUST_NO: is a key or a control total"), ("pairs: {invoices: {remove: [TOTAL]}}", "is a key or a control"),
    ("pairs: {customers: {change: {PHONE: Idd}}}", "customers PHONE: not allowed at col 1: there is no field Idd"), ("pairs: {customers: {chnge: {}}}", "chnge is not known"),
    ("pair: {}", "pair is not known"), ("pairs: [1]", "a group of names"), ("pairs: {customers: {remove: NAME}}", "a list of columns"),
    ("pairs: {customers: {move: {NAME: [1]}}}", "the column after which it goes"), ("pairs: {customers: {change: {PHONE: {form: Id}}}}", "form is not known"),
    ("pairs: {customers: {add: {phone: Id}}}", "a column is called in capitals"), ("x: &a [1]", "anchors"), ("pairs: {customers: {add: {X: {kind: text}}}}", "a text is expected"),
])  # fmt: skip
def test_a_layer_that_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        merged(load_profile(), read_layers(text))


@pytest.mark.parametrize("text, said", [
    (MOBILE, "customers PHONE: inventiv-default 3 has no such column, which your layer would change"),
    ("pairs: {customers: {remove: [PHONE]}}", "customers PHONE: inventiv-default 3 has no such column, which your layer would remove"),
    ("pairs: {customers: {add: {CELL: Mobile}}}", "customers CELL: inventiv-default 3 has this column itself, and your layer adds one of that name"),
    ("pairs: {customers: {move: {NAME: PHONE}}}", "customers NAME: inventiv-default 3 has no column PHONE, after which your layer puts it"),
    ("pairs: {vendors: {remove: [FAX]}}", "vendors pair: inventiv-default 3 has no such pair"),
])  # fmt: skip
def test_what_an_update_takes_from_under_a_layer_is_a_conflict(text: str, said: str) -> None:
    assert [str(each) for each in merged(V3, read_layers(text)).conflicts] == [said]


class Silent:
    """The broken twin: what a layer rests upon and is not there is passed over."""

    @staticmethod
    def conflicts(profile: Profile, text: str) -> int:
        there = {column.name for column in profile.pair("customers").columns}
        layer = read_layers(text).pairs["customers"]
        kept = {name: said for name, said in layer.change.items() if name in there}
        return len(kept) - len(layer.change) if kept else 0


@pytest.mark.parametrize(
    "conflicts, told",
    [(lambda *both: len(merged(both[0], read_layers(both[1])).conflicts), True), (Silent.conflicts, False)],
)
def test_a_lost_change_is_told(conflicts, told) -> None:
    assert bool(conflicts(V3, MOBILE)) is told


# -- before and after --------------------------------------------------------------------------------------------------


def test_a_preview_shows_ten_records_those_that_become_another_first() -> None:
    before = load_profile().pair("customers")
    after = merged(load_profile(), read_layers(PHONE)).profile.pair("customers")
    records = [{"Id": str(n), "Mobile": {"FreeFormNumber": "1"} if n > 20 else {}} for n in range(1, 31)]
    counts, shown = Comparing(before, after, inputs()).looked(records)
    assert [one.key for one in shown] == [str(n) for n in range(21, 31)]
    assert shown[0].changes == (("PHONE", "", "1"),)
    assert (counts.records, counts.changed) == (30, 10)
    assert all(one.same for one in Comparing(before, before, inputs()).looked(records)[1])


def test_what_would_be_another_is_counted() -> None:
    before = V1.pair("customers")
    after = merged(
        V1,
        read_layers(
            'pairs: {customers: {change: {PHONE: {from: Mobile, required: true}}, skip: [{when: Id = "3", because: x}]}}'
        ),
    )
    records = [
        {"Id": "1", "Phone": "1", "Mobile": "1"},
        {"Id": "2", "Phone": "1", "Mobile": "2"},
        {"Id": "3"},
        {"Id": "4", "Phone": "1"},
    ]
    counts, _ = Comparing(before, after.profile.pair("customers"), Inputs()).looked(records)
    assert (counts.records, counts.same, counts.changed, counts.lost, counts.won) == (4, 1, 1, 2, 0)
    assert counts.columns == {"PHONE": 1}
    assert counts.reasons == {"PHONE: is blank, and a record needs it": 1}
    back, _ = Comparing(after.profile.pair("customers"), before, Inputs()).looked(records)
    assert (back.won, back.lost) == (2, 0)
    shown = Comparing(before, after.profile.pair("customers"), Inputs()).shown(records[3])
    assert isinstance(shown.after, Rejected)


def test_records_are_compared_as_they_would_stand_in_the_file() -> None:
    """What is cut, cleaned, has no place in the encoding, is too wide, or has the key of another."""
    text = "pairs: {{customers: {{change: {{NAME: {{width: 3, longer: {}}}}}}}}}"
    records = [
        {"Id": "1", "Name": "Amélie"},
        {"Id": "2", "Name": "a\tb"},
        {"Id": "2", "Name": "z"},
        {"Id": "3", "Name": "Łukasz"},
    ]
    found = {}
    for longer in ("cut", "refuse"):
        after = merged(V1, read_layers(text.format(longer))).profile.pair("customers")
        comparing = Comparing(V1.pair("customers"), after, Inputs(), FilRules("cp1252"))
        found[longer] = [comparing.shown(record) for record in records]
    assert [one.changes for one in found["cut"][:2]] == [(("NAME", "Amélie", "Amé"),), ()]
    assert str(found["refuse"][0].after) == "record 1, NAME: has 6 characters, and 3 are the most"
    assert "another row has the key 2" in str(found["cut"][2].before)
    assert "Ł (U+0141)" in str(found["cut"][3].before)


# -- versions ----------------------------------------------------------------------------------------------------------


def organized(session: Session) -> None:
    session.add(OrganizationRow(id="org_1", name="Temerity Goods", timezone="UTC", created_at=NOW))
    session.add(OrganizationRow(id="org_2", name="Another", timezone="UTC", created_at=NOW))


def test_versions_are_kept_with_who_and_when_and_an_older_one_comes_back(database: Database) -> None:
    def story(session: Session) -> None:
        organized(session)
        session.flush()
        keep = partial(save, session, "org_1", load=load)
        assert in_force(session, "org_1", load).number == 0
        begin(session, "org_1", NOW, lambda _: [1, 2])
        begin(session, "org_1", NOW, lambda _: [1, 2])
        assert [(one.number, one.profile_version) for one in history(session, "org_1")] == [(1, 2)]
        assert keep(1, MOBILE, "mem_1", NOW) is Saved.SAVED
        assert keep(1, "", "mem_2", NOW) is Saved.MEANWHILE
        assert keep(2, MOBILE, "mem_2", NOW) is Saved.SAME
        changed = mapping_of(session, "org_1", "customers", load).column("PHONE")
        assert changed is not None
        assert changed.source == "Mobile"
        later = NOW + timedelta(days=1)
        assert restore(session, "org_1", 2, 1, "mem_2", later, load) is Saved.SAVED
        assert restore(session, "org_1", 3, 9, "mem_2", later, load) is Saved.MISSING
        assert in_force(session, "org_1", load).layer == ""
        found = [(one.number, one.restored, one.written_by, one.written_at) for one in history(session, "org_1")]
        assert found == [(3, 1, "mem_2", later), (2, 0, "mem_1", NOW), (1, 0, "", NOW)]
        assert history(session, "org_2") == []
        assert exchange_mappings.version(session, "org_2", 1) is None

    database.in_write(story)


def test_an_organization_stays_with_its_profile_until_it_asks(database: Database) -> None:
    def story(session: Session) -> None:
        organized(session)
        session.flush()
        assert save(session, "org_1", 0, MOBILE, "mem_1", NOW, load=load) is Saved.SAVED
        assert in_force(session, "org_1", load).profile.version == 1
        assert updates(session, "org_1", lambda _: [1, 2, 3]) == [2, 3]
        offered = propose(session, "org_1", MOBILE, 2, load)
        assert (offered.differences, offered.conflicts) == (("customers CELL: is new, Mobile",), ())
        refused = propose(session, "org_1", MOBILE, 3, load)
        assert (refused.differences, len(refused.conflicts)) == ((), 1)
        with pytest.raises(MappingError, match="would change"):
            save(session, "org_1", 1, MOBILE, "mem_1", NOW, profile_version=3, load=load)
        assert save(session, "org_1", 1, MOBILE, "mem_1", NOW, profile_version=2, load=load) is Saved.SAVED
        assert in_force(session, "org_1", load).profile.version == 2
        assert restore(session, "org_1", 2, 1, "mem_1", NOW, load) is Saved.SAVED
        assert in_force(session, "org_1", load).profile.version == 1

    database.in_write(story)


def saves(session: Session, by: str) -> bool:
    return exchange_mappings.save(
        session, "org_1", 0, profile=DEFAULT, profile_version=1, layer="", written_by=by, now=NOW
    )


def overwrites(session: Session, by: str) -> bool:
    """The broken twin: it takes the newest number as it is now, not as the writer saw it."""
    number = 1 + len(history(session, "org_1"))
    session.add(ExchangeMappingRow(organization_id="org_1", number=number, profile=DEFAULT, profile_version=1, layer="",
                                   written_by=by, written_at=NOW))  # fmt: skip
    return True


@pytest.mark.parametrize("write, saved", [(saves, ["a"]), (overwrites, ["b", "a"])])
def test_of_two_who_saw_the_same_version_one_saves(sqlite_database: Database, write, saved) -> None:
    sqlite_database.in_write(organized)
    for by in ("a", "b"):
        assert sqlite_database.in_write(partial(write, by=by)) is (by in saved)
    assert [one.written_by for one in sqlite_database.in_read(lambda session: history(session, "org_1"))] == saved
