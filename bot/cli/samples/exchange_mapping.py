"""The mapping of the exchange: as it is, its versions, and what a change would do."""

from dataclasses import replace
from datetime import timedelta

from bot.cli.samples.exchange import NOW
from storage.facts.exchange import Pair
from storage.facts.exchange_mapping import (
    MappedColumn,
    MappingLook,
    MappingSaved,
    MappingVersion,
    MappingView,
    MappingWish,
    PairLook,
    RowLook,
    WishKind,
)
from storage.facts.messages import Message
from storage.facts.people import Action
from templates.notices import exchange_mapping

_ALL = frozenset(Action)
_LOOKS = frozenset({Action.SEE_STATUS, Action.SEE_HISTORY})
LAYER = "# What the warehouse in Reno wants.\npairs:\n  customers:\n    change:\n      PHONE: Mobile.FreeFormNumber\n"
_PHONE = "customers PHONE: was PrimaryPhone.FreeFormNumber, is Mobile.FreeFormNumber"


def the_mapping() -> MappingView:
    """Return a mapping with something of its own, some versions, and a newer profile."""
    columns = (
        MappedColumn("CUST_NO", "Id", "text", required=True),
        MappedColumn("NAME", "DisplayName", "text", 41, cut=True),
        MappedColumn("PHONE", "Mobile.FreeFormNumber", "text", 14),
        MappedColumn("TERMS", 'lookup("terms", SalesTermRef.value, SalesTermRef.name)', "text"),
        MappedColumn("BALANCE", "Balance", "money"),
        MappedColumn("ACTIVE", "or_else(Active, true)", "flag"),
        MappedColumn("MODIFIED", "MetaData.LastUpdatedTime", "instant"),
    )
    return MappingView(
        pair_id="xpr_customers",
        pair=Pair.CUSTOMERS,
        organization="Temerity Goods Inc.",
        profile="inventiv-default",
        profile_version=1,
        assumption=True,
        number=4,
        layer=LAYER,
        columns=columns,
        fields=("Id", "DisplayName", "PrimaryPhone.FreeFormNumber", "Mobile.FreeFormNumber", "Balance", "Active"),
        own=(
            "PHONE: was PrimaryPhone.FreeFormNumber, is Mobile.FreeFormNumber",
            "PHONE: was of any length, is at most 14 characters",
        ),
        elsewhere=3,
        versions=(
            MappingVersion(4, 1, "Maya Chen", NOW - timedelta(days=2), restored=2),
            MappingVersion(3, 1, "Daniel <Kim>", NOW - timedelta(days=5)),
            MappingVersion(2, 1, "Maya Chen", NOW - timedelta(days=9)),
            MappingVersion(1, 1, "", NOW - timedelta(days=30)),
        ),
        newer=2,
    )


def the_look(wish: MappingWish) -> MappingLook:
    """Return what a change would come to: ten customers and an item."""
    changes = (("PHONE", "(555) 0100", "(555) 0177"),)
    rows = (
        RowLook("12", changes=changes),
        RowLook("4711", changes=(*changes, ("FAX", "(555) 0101", ""), ("NAME", "Amy's <b>Birds</b>", "Amy's Birds"))),
        RowLook("812", now="refused, PHONE: has 22 characters, and 14 are the most"),
        RowLook("90", was="left out: not active"),
        RowLook("91", was="left out: not active", now="left out: not active"),
        *(RowLook(str(number)) for number in range(92, 97)),
    )
    customers = PairLook(
        Pair.CUSTOMERS, 10_000, some=True, changed=31, lost=2, won=1,
        reasons=(("PHONE: has 22 characters, and 14 are the most", 2),), rows=rows,
    )  # fmt: skip
    items = PairLook(Pair.ITEMS, 3_100, changed=1, rows=(RowLook("7", changes=(("DESC", "Rock", "Rock & pump"),)),))
    said = (_PHONE, "customers PHONE: was of any length, is at most 14 characters",
            "items DESC: was Description, is or_else(PurchaseDesc, Description)")  # fmt: skip
    return MappingLook(wish, Pair.CUSTOMERS, "inventiv-default", 1, said, pairs=(customers, items))


def mapping_messages() -> dict[str, Message]:
    """Return every message about it."""
    view = the_mapping()
    bare = replace(view, own=(), elsewhere=0, newer=0, number=1, versions=view.versions[3:])
    back = the_look(MappingWish(view.pair_id, 4, WishKind.VERSION, number=3))
    update = MappingWish(view.pair_id, 4, WishKind.PROFILE, number=2)
    conflict = "customers FAX: inventiv-default 2 has no such column, which your layer would remove"
    against = MappingLook(update, Pair.CUSTOMERS, "inventiv-default", 2, conflicts=(conflict,))
    nothing = MappingLook(update, Pair.CUSTOMERS, "inventiv-default", 2)
    return {
        "mapping": exchange_mapping.mapping_card(view, may=_ALL),
        "mapping_viewer": exchange_mapping.mapping_card(bare, may=_LOOKS),
        "mapping_broken": exchange_mapping.mapping_card(replace(view, broken=conflict), may=_ALL),
        "mapping_versions": exchange_mapping.mapping_versions(view, may=_ALL),
        "mapping_versions_none": exchange_mapping.mapping_versions(bare, may=_LOOKS),
        "mapping_look": exchange_mapping.mapping_look(back, value="card_1 xpr_customers 4 version 3"),
        "mapping_update": exchange_mapping.mapping_look(
            replace(back, wish=update, pairs=(), differences=("customers CELL: is new, Mobile.FreeFormNumber",)),
            value="card_1 xpr_customers 4 profile 2",
        ),
        "mapping_update_same": exchange_mapping.mapping_look(nothing, value="card_1 xpr_customers 4 profile 2"),
        "mapping_conflict": exchange_mapping.mapping_look(against, value="card_1 xpr_customers 4 profile 2"),
        "mapping_saved": exchange_mapping.mapping_saved(MappingSaved(Pair.CUSTOMERS, 5)),
        "mapping_same": exchange_mapping.mapping_saved(MappingSaved(Pair.CUSTOMERS, 5, changed=False)),
        "mapping_refused": exchange_mapping.mapping_refused(
            "Maya Chen saved version 5 of the mapping meanwhile; look at it first"
        ),
        "mapping_orders": exchange_mapping.mapping_of_orders(),
    }
