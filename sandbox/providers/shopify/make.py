"""Makes single records of a shop: products with variants, customers, orders that add up to the cent."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from sandbox.providers import catalogue
from sandbox.providers.shopify import money
from sandbox.providers.shopify.money import gid
from sandbox.providers.shopify.store import Node, text_of

#: The first number of each kind; real ones are as long.
FIRST = {"Product": 8_100_000_000_001, "ProductVariant": 44_300_000_000_001, "Customer": 7_200_000_000_001,
         "Order": 6_050_000_000_001}  # fmt: skip
TAX_RATE = {"CA": Decimal("0.0725"), "NY": Decimal("0.08875"), "TX": Decimal("0.0825"), "WA": Decimal("0.1025")}
STATES = {"CA": "California", "OR": "Oregon", "WA": "Washington", "ID": "Idaho", "CO": "Colorado", "TX": "Texas",
          "IL": "Illinois", "NY": "New York", "ME": "Maine", "NC": "North Carolina"}  # fmt: skip
EURO = Decimal("0.92")
SHIPPING = (("Standard", 595), ("Free shipping", 0), ("Expedited", 1450))


def decimal(cents: int) -> str:
    """Write an amount as Shopify does: at least one digit after the point, no needless zeros."""
    sign, (whole, rest) = ("-" if cents < 0 else ""), divmod(abs(cents), 100)
    return f"{sign}{whole}.{f'{rest:02d}'.rstrip('0') or '0'}"


@dataclass(frozen=True, slots=True)
class Purse:
    """How amounts of one order are written: the shop's dollars, and what the buyer saw."""

    euro: bool

    def bag(self, cents: int) -> Node:
        """Return a MoneyBag."""
        seen = int((cents * EURO).quantize(Decimal(1), ROUND_HALF_UP)) if self.euro else cents
        currency = "EUR" if self.euro else "USD"
        shown = {"amount": decimal(seen), "currencyCode": currency}
        return {"shopMoney": {"amount": decimal(cents), "currencyCode": "USD"}, "presentmentMoney": shown}


def worth(bag: Node) -> int:
    """Return the shop's side of a MoneyBag in cents."""
    return int(Decimal(bag["shopMoney"]["amount"]) * 100)


def off(line: Node) -> int:
    """Return all discounts of a line in cents, those of the whole order included."""
    return sum(worth(part["allocatedAmountSet"]) for part in line["discountAllocations"])


def net(line: Node) -> int:
    """Return what a line came to in cents, before tax."""
    return worth(line["originalTotalSet"]) - off(line)


@dataclass
class Maker:
    """Draws records from one random source."""

    random: Random
    variants: list[Node] = field(default_factory=list)
    customers: list[Node] = field(default_factory=list)

    def product(self, which: int, at: datetime) -> list[Node]:
        """Return a product of the catalogue and its variants."""
        product = catalogue.PRODUCTS[which]
        id_ = FIRST["Product"] + which
        made = text_of(at)
        first = FIRST["ProductVariant"] + sum(len(before.options) for before in catalogue.PRODUCTS[:which])
        variants = [
            self._variant(product, gid("Product", id_), first + place, place, option, made)
            for place, option in enumerate(product.options)
        ]
        single = len(variants) == 1
        options = [
            {"id": gid("ProductOption", id_), "name": product.option, "position": 1, "values": list(product.options)}
        ]
        return [
            {
                "__typename": "Product",
                "id": gid("Product", id_),
                "legacyResourceId": str(id_),
                "title": product.name,
                "handle": "-".join("".join(c if c.isalnum() else " " for c in product.name.lower()).split()),
                "description": f"{product.name} by {catalogue.COMPANY}.",
                "descriptionHtml": f"<p>{product.name} by {catalogue.COMPANY}.</p>",
                "status": "ACTIVE",
                "vendor": catalogue.COMPANY,
                "productType": product.category,
                "tags": [product.category.lower(), "core"],
                "createdAt": made,
                "updatedAt": made,
                "publishedAt": made,
                "totalInventory": sum(variant["inventoryQuantity"] for variant in variants),
                "tracksInventory": True,
                "hasOnlyDefaultVariant": single,
                "isGiftCard": False,
                "options": options,
                "variants": [variant["id"] for variant in variants],
            },
            *variants,
        ]

    def _variant(self, product: catalogue.Product, parent: str, id_: int, place: int, option: str, made: str) -> Node:
        sku = f"{product.sku}-{option.upper().replace(' ', '')[:6]}"
        cost = {"amount": decimal(product.cost), "currencyCode": "USD"}
        item: dict[str, Any] = {
            "id": gid("InventoryItem", id_ + 10**12),
            "legacyResourceId": str(id_ + 10**12),
            "sku": sku,
        }
        item |= {"tracked": True, "requiresShipping": True, "unitCost": cost, "createdAt": made, "updatedAt": made}
        return {
            "__typename": "ProductVariant",
            "id": gid("ProductVariant", id_),
            "legacyResourceId": str(id_),
            "title": option,
            "displayName": f"{product.name} - {option}",
            "sku": sku,
            "barcode": f"8{id_ % 10**11:011d}",
            "price": f"{product.price // 100}.{product.price % 100:02d}",
            "compareAtPrice": None,
            "position": place + 1,
            "taxable": product.category != "Home",
            "inventoryQuantity": self.random.randrange(0, 400),
            "inventoryPolicy": "DENY",
            "availableForSale": True,
            "createdAt": made,
            "updatedAt": made,
            "selectedOptions": [{"name": product.option, "value": option}],
            "product": parent,
            "inventoryItem": item,
        }

    def customer(self, id_: int, at: datetime) -> Node:
        """Return a new customer without orders."""
        draw = self.random
        first, last = draw.choice(catalogue.FIRST_NAMES), draw.choice(catalogue.LAST_NAMES)
        email = f"{first.lower()}.{id_ % 10**6}@mail.example"
        city, state, postal = draw.choice(catalogue.PLACES)
        address: Node = {
            "id": gid("MailingAddress", id_ + 10**12),
            "firstName": first,
            "lastName": last,
            "name": f"{first} {last}",
        }
        address |= {
            "address1": f"{draw.randrange(1, 4800)} {draw.choice(catalogue.STREETS)}",
            "company": None,
            "city": city,
        }
        address |= {"province": STATES[state], "provinceCode": state, "zip": postal, "country": "United States"}
        phone = f"+1555010{draw.randrange(10000):04d}" if draw.random() < 0.4 else None
        made = text_of(at)
        return {
            "__typename": "Customer",
            "id": gid("Customer", id_),
            "legacyResourceId": str(id_),
            "firstName": first,
            "lastName": last,
            "displayName": f"{first} {last}",
            "email": email,
            "phone": phone,
            "defaultEmailAddress": {"emailAddress": email},
            "defaultPhoneNumber": {"phoneNumber": phone} if phone else None,
            "defaultAddress": {**address, "countryCodeV2": "US"},
            "state": draw.choice(("ENABLED", "DISABLED")),
            "locale": "en",
            "note": None,
            "tags": ["newsletter"] if draw.random() < 0.3 else [],
            "taxExempt": False,
            "verifiedEmail": True,
            "numberOfOrders": "0",
            "amountSpent": {"amount": "0.0", "currencyCode": "USD"},
            "createdAt": made,
            "updatedAt": made,
        }

    def order(self, id_: int, name: int, at: datetime, customer: Node) -> Node:
        """Return a paid order: total = lines - discounts + shipping + tax, to the cent."""
        draw = self.random
        purse = Purse(euro=draw.random() < 0.1)
        discounted = draw.random() < 0.12
        state = customer["defaultAddress"]["provinceCode"]
        application = money.discount(id_ // 1024) if discounted else None
        lines = self._lines(id_, purse, TAX_RATE.get(state), application)
        title, fee = draw.choice(SHIPPING)
        subtotal, discount = sum(map(net, lines)), sum(map(off, lines))
        tax = sum(worth(tax["priceSet"]) for line in lines for tax in line["taxLines"])
        total = subtotal + fee + tax
        made, processed = text_of(at), text_of(datetime.fromtimestamp(at.timestamp() - 2, UTC))
        shipping: Node = {"id": gid("ShippingLine", id_ + 10**12), "title": title, "code": title, "source": "shopify"}
        shipping |= {"originalPriceSet": purse.bag(fee), "discountedPriceSet": purse.bag(fee), "taxLines": []}
        shipping |= {"isRemoved": False, "discountAllocations": []}
        test = draw.random() < 0.01
        return {
            "__typename": "Order",
            "id": gid("Order", id_),
            "legacyResourceId": str(id_),
            "name": f"#{name}",
            "number": name,
            "createdAt": made,
            "updatedAt": made,
            "processedAt": processed,
            "cancelledAt": None,
            "cancelReason": None,
            "closed": False,
            "closedAt": None,
            "confirmed": True,
            "edited": False,
            "test": test,
            "email": customer["email"],
            "phone": None,
            "note": None,
            "poNumber": None,
            "sourceName": "web",
            "customerLocale": "en",
            "tags": [],
            "taxExempt": False,
            "taxesIncluded": False,
            "fullyPaid": True,
            "currencyCode": "USD",
            "presentmentCurrencyCode": "EUR" if purse.euro else "USD",
            "paymentGatewayNames": ["shopify_payments"],
            "discountApplications": [application] if application else [],
            "discountCode": next(iter(money.codes(application)), None),
            "discountCodes": money.codes(application),
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "UNFULFILLED",
            "customer": customer["id"],
            "billingAddress": customer["defaultAddress"],
            "shippingAddress": customer["defaultAddress"],
            "shippingLine": shipping,
            "shippingLines": [shipping],
            "lineItems": lines,
            "refunds": [],
            "transactions": [money.paid(id_, purse.bag(total), total, at, test=test)],
            "subtotalLineItemsQuantity": sum(line["quantity"] for line in lines),
            "currentSubtotalLineItemsQuantity": sum(line["quantity"] for line in lines),
            "returnStatus": "NO_RETURN",
            "totalTipReceivedSet": purse.bag(0),
            "totalRefundedShippingSet": purse.bag(0),
            "currentTotalDutiesSet": None,
            "taxLines": [{"title": f"{state} State Tax", "rate": float(TAX_RATE[state]), "priceSet": purse.bag(tax)}
                         | {"ratePercentage": float(TAX_RATE[state] * 100)}] if tax else [],
            "subtotalPriceSet": purse.bag(subtotal),
            "totalDiscountsSet": purse.bag(discount),
            "totalShippingPriceSet": purse.bag(fee),
            "totalTaxSet": purse.bag(tax),
            "totalPriceSet": purse.bag(total),
            "originalTotalPriceSet": purse.bag(total),
            "totalReceivedSet": purse.bag(total),
            "totalRefundedSet": purse.bag(0),
            "totalOutstandingSet": purse.bag(0),
            "netPaymentSet": purse.bag(total),
            "currentSubtotalPriceSet": purse.bag(subtotal),
            "currentTotalDiscountsSet": purse.bag(discount),
            "currentTotalTaxSet": purse.bag(tax),
            "currentTotalPriceSet": purse.bag(total),
        }  # fmt: skip

    def _lines(self, order: int, purse: Purse, rate: Decimal | None, application: Node | None) -> list[Node]:
        draw = self.random
        lines = []
        for place, variant in enumerate(draw.sample(self.variants, draw.choice((1, 1, 2, 2, 3, 4)))):
            quantity = draw.choice((1, 1, 1, 2, 3))
            price = int(Decimal(variant["price"]) * 100)
            total = price * quantity
            discount = total // 10 if application else 0
            # What a code takes off the whole order is no discount of the line in Shopify's words.
            of_line = 0 if money.codes(application) else discount
            shared = {"allocatedAmountSet": purse.bag(discount), "discountApplication": application}
            tax = (
                int(((total - discount) * rate).quantize(Decimal(1), ROUND_HALF_UP))
                if rate and variant["taxable"]
                else 0
            )
            taxes = [{"title": "State Tax", "rate": float(rate), "ratePercentage": float(rate * 100)}
                     | {"priceSet": purse.bag(tax)}] if rate and tax else []  # fmt: skip
            lines.append(
                {
                    "id": gid("LineItem", (order % 10**10) * 10 + place),
                    "name": variant["displayName"],
                    "title": variant["displayName"].rpartition(" - ")[0],
                    "variantTitle": variant["title"],
                    "sku": variant["sku"],
                    "vendor": catalogue.COMPANY,
                    "quantity": quantity,
                    "currentQuantity": quantity,
                    "refundableQuantity": quantity,
                    "unfulfilledQuantity": quantity,
                    "isGiftCard": False,
                    "requiresShipping": True,
                    "taxable": variant["taxable"],
                    "product": variant["product"],
                    "variant": variant["id"],
                    "originalUnitPriceSet": purse.bag(price),
                    "originalTotalSet": purse.bag(total),
                    "discountedUnitPriceSet": purse.bag((total - of_line) // quantity),
                    "discountedTotalSet": purse.bag(total - of_line),
                    "totalDiscountSet": purse.bag(of_line),
                    "discountAllocations": [shared] if application else [],
                    "taxLines": taxes,
                }
            )
        return lines
