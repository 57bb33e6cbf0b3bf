"""Sales and traffic as Amazon counts them: some days late, by day and marketplace."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.providers.amazon.reports import Paper

SALES_AND_TRAFFIC = "GET_SALES_AND_TRAFFIC_REPORT"
#: Days that Amazon is behind.
BEHIND = timedelta(days=2)


def counted(
    orders: Iterable[Mapping[str, Any]], currency: str, market: str, start: date, end: date
) -> list[dict[str, Any]]:
    """Count the days of a time; amounts are decimals as text."""
    sold: dict[str, Decimal] = {}
    units: dict[str, int] = {}
    for order in orders:
        day = order["purchase-date"][:10]
        for item in order["items"]:
            sold[day] = sold.get(day, Decimal(0)) + Decimal(item.get("item-price", "0"))
            units[day] = units.get(day, 0) + int(item["quantity"])
    found = []
    for number in range((end - start).days):
        day = (start + timedelta(days=number)).isoformat()
        found.append(_day(day, sold.get(day, Decimal(0)), units.get(day, 0), currency) | {"market": market})
    return found


def paper(found: Iterable[Mapping[str, Any]], market: str, start: datetime, end: datetime, options: Any) -> Paper:
    """Write the report."""
    body = {
        "reportSpecification": {
            "reportType": SALES_AND_TRAFFIC, "reportOptions": dict(options), "marketplaceIds": [market],
            "dataStartTime": f"{start:%Y-%m-%d}", "dataEndTime": f"{end:%Y-%m-%d}",
        },
        "salesAndTrafficByDate": [_plain({k: v for k, v in one.items() if k != "market"}) for one in found],
        "salesAndTrafficByAsin": [],
    }  # fmt: skip
    return Paper(msgspec.json.encode(body).decode(), media_type="application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(f"{value:f}".encode())
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _day(day: str, sold: Decimal, units: int, currency: str) -> dict[str, Any]:
    def money(amount: Decimal) -> dict[str, Any]:
        return {"amount": amount, "currencyCode": currency}

    average = (sold / units).quantize(Decimal("0.01")) if units else Decimal(0)
    return {
        "date": day,
        "salesByDate": {
            "orderedProductSales": money(sold), "unitsOrdered": units, "totalOrderItems": units,
            "averageSalesPerOrderItem": money(average), "averageUnitsPerOrderItem": Decimal("1.0"),
            "averageSellingPrice": money(average), "unitsRefunded": 0, "refundRate": Decimal("4.35"),
            "claimsGranted": 0, "claimsAmount": money(Decimal("0.0")), "shippedProductSales": money(sold),
            "unitsShipped": units, "ordersShipped": units,
        },
        "trafficByDate": {
            "browserPageViews": units * 9, "mobileAppPageViews": units, "pageViews": units * 10,
            "browserSessions": units * 4, "mobileAppSessions": units, "sessions": units * 5,
            "buyBoxPercentage": Decimal("10.54"), "orderItemSessionPercentage": Decimal("2.21"),
            "unitSessionPercentage": Decimal("2.54"), "averageOfferCount": 3, "averageParentItems": 3,
            "feedbackReceived": 1, "negativeFeedbackReceived": 0, "receivedNegativeFeedbackRate": Decimal("0.0"),
        },
    }  # fmt: skip
