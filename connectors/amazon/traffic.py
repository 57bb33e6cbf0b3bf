"""Sales and traffic by day and marketplace, as Amazon counts them: a report in JSON, asked for once a day.

Amazon publishes a day one to three days late and counts it anew for some time, so the last month is read again daily.
The parts by product are totals of the whole time asked for, which fit no table of days: they are not kept.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from connectors.amazon.document import Text
from connectors.amazon.reports import Wanted
from connectors.errors import Broken
from connectors.shapes import Field, Shape
from storage.facts.streams import ColumnType

TYPE = "GET_SALES_AND_TRAFFIC_REPORT"
LABEL = "Sales and traffic"
#: Days that are read at first, and each day again.
FIRST, AGAIN = timedelta(days=180), timedelta(days=30)
#: Marketplaces whose report is asked for in one collection.
MOST = 3
OPTIONS = {"dateGranularity": "DAY", "asinGranularity": "PARENT"}

_MONEY, _COUNT, _NUMBER = ColumnType.MONEY, ColumnType.INTEGER, ColumnType.NUMBER
_SALES, _TRAFFIC = "salesByDate", "trafficByDate"
TRAFFIC = Shape(
    "sales_and_traffic",
    LABEL,
    (
        Field("id", "id"),
        Field("marketplace_id", "marketplaceId"),
        Field("date", "date", ColumnType.DATE),
        Field("currency", f"{_SALES}.orderedProductSales.currencyCode"),
        Field("ordered_product_sales", f"{_SALES}.orderedProductSales.amount", _MONEY),
        Field("ordered_product_sales_b2b", f"{_SALES}.orderedProductSalesB2B.amount", _MONEY),
        Field("shipped_product_sales", f"{_SALES}.shippedProductSales.amount", _MONEY),
        Field("claims_amount", f"{_SALES}.claimsAmount.amount", _MONEY),
        Field("units_ordered", f"{_SALES}.unitsOrdered", _COUNT),
        Field("units_ordered_b2b", f"{_SALES}.unitsOrderedB2B", _COUNT),
        Field("total_order_items", f"{_SALES}.totalOrderItems", _COUNT),
        Field("units_shipped", f"{_SALES}.unitsShipped", _COUNT),
        Field("orders_shipped", f"{_SALES}.ordersShipped", _COUNT),
        Field("units_refunded", f"{_SALES}.unitsRefunded", _COUNT),
        Field("refund_rate", f"{_SALES}.refundRate", _NUMBER),
        Field("claims_granted", f"{_SALES}.claimsGranted", _COUNT),
        Field("page_views", f"{_TRAFFIC}.pageViews", _COUNT),
        Field("browser_page_views", f"{_TRAFFIC}.browserPageViews", _COUNT),
        Field("mobile_app_page_views", f"{_TRAFFIC}.mobileAppPageViews", _COUNT),
        Field("sessions", f"{_TRAFFIC}.sessions", _COUNT),
        Field("browser_sessions", f"{_TRAFFIC}.browserSessions", _COUNT),
        Field("mobile_app_sessions", f"{_TRAFFIC}.mobileAppSessions", _COUNT),
        Field("buy_box_percentage", f"{_TRAFFIC}.buyBoxPercentage", _NUMBER),
        Field("unit_session_percentage", f"{_TRAFFIC}.unitSessionPercentage", _NUMBER),
        Field("feedback_received", f"{_TRAFFIC}.feedbackReceived", _COUNT),
        Field("negative_feedback_received", f"{_TRAFFIC}.negativeFeedbackReceived", _COUNT),
    ),
    updated="lastUpdated",
)

#: What Amazon's published schema says a day has, our own key and marketplace, and what its two parts have.
KNOWN = frozenset({"id", "marketplaceId", "date", _SALES, _TRAFFIC})
INNER: Mapping[str, frozenset[str]] = {
    _SALES: frozenset(
        {
            "averageSalesPerOrderItem", "averageSalesPerOrderItemB2B", "averageSellingPrice", "averageSellingPriceB2B",
            "averageUnitsPerOrderItem", "averageUnitsPerOrderItemB2B", "claimsAmount", "claimsGranted",
            "orderedProductSales", "orderedProductSalesB2B", "ordersShipped", "refundRate", "shippedProductSales",
            "totalOrderItems", "totalOrderItemsB2B", "unitsOrdered", "unitsOrderedB2B", "unitsRefunded", "unitsShipped",
        }
    ),
    _TRAFFIC: frozenset(
        {
            "averageOfferCount", "averageParentItems", "browserPageViews", "browserPageViewsB2B", "browserSessions",
            "browserSessionsB2B", "buyBoxPercentage", "buyBoxPercentageB2B", "feedbackReceived", "mobileAppPageViews",
            "mobileAppPageViewsB2B", "mobileAppSessions", "mobileAppSessionsB2B", "negativeFeedbackReceived",
            "orderItemSessionPercentage", "orderItemSessionPercentageB2B", "pageViews", "pageViewsB2B",
            "receivedNegativeFeedbackRate", "sessions", "sessionsB2B", "unitSessionPercentage",
            "unitSessionPercentageB2B",
        }
    ),
}  # fmt: skip


class _Specification(msgspec.Struct, rename="camel"):
    marketplace_ids: tuple[str, ...]


class _Report(msgspec.Struct, rename="camel"):
    report_specification: _Specification
    sales_and_traffic_by_date: list[msgspec.Raw]


class _Day(msgspec.Struct):
    date: str


def due(cursor: str | None, marketplaces: tuple[str, ...], until: datetime) -> tuple[list[Wanted], dict[str, str]]:
    """Return the reports to ask for now, of the marketplaces that waited longest, and the days already read."""
    read = dict(part.split("=", 1) for part in (cursor or "").split(",") if "=" in part)
    today = until.replace(hour=0, minute=0, second=0, microsecond=0)
    late = sorted((read.get(one, ""), one) for one in marketplaces if read.get(one) != f"{today:%Y-%m-%d}")
    wanted = [
        Wanted(TYPE, LABEL, (one,), today - (AGAIN if _lately(day, today) else FIRST), today, OPTIONS)
        for day, one in late[:MOST]
    ]
    return wanted, {one: read[one] for one in marketplaces if one in read}


def _lately(day: str, today: datetime) -> bool:
    """Say whether the last report is so young that reading the last month again leaves no gap."""
    return f"{today - AGAIN + timedelta(days=4):%Y-%m-%d}" <= day <= f"{today:%Y-%m-%d}"


def cursor_after(read: Mapping[str, str]) -> str:
    """Return the cursor: the day of each marketplace's last report."""
    return ",".join(f"{marketplace}={day}" for marketplace, day in sorted(read.items()))


def days(text: Text, marketplace: str) -> tuple[list[bytes], str]:
    """Return a report's days under their keys, and the newest day that counts anything (empty: none)."""
    try:
        said = msgspec.json.decode(text.mapped(), type=_Report)
        found = [(msgspec.json.decode(record, type=_Day).date, record) for record in said.sales_and_traffic_by_date]
    except msgspec.MsgspecError as error:
        raise Broken(f"{LABEL}: Amazon sent a report of an unknown shape", code="page_unreadable") from error
    if said.report_specification.marketplace_ids != (marketplace,):
        raise Broken(f"{LABEL}: Amazon sent the report of another marketplace", code="page_unreadable")
    records = [
        msgspec.json.encode({"id": f"{marketplace}|{day}", "marketplaceId": marketplace})[:-1]
        + b"," + bytes(record).lstrip()[1:]
        for day, record in found
    ]  # fmt: skip
    return records, max((day for day, _ in found), default="")
