"""Shopify's streams and their columns. Amounts are in the shop's currency, with all its decimals (KWD has three)."""

from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType

_N = ColumnType.NUMBER
_I = ColumnType.INTEGER
_B = ColumnType.BOOLEAN
_T = ColumnType.TIMESTAMP


def _bag(name: str, path: str) -> Field:
    return Field(name, f"{path}.shopMoney.amount", _N)


ORDERS = Shape(
    name="orders",
    label="Orders",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("name", "name"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
        Field("processed_at", "processedAt", _T),
        Field("cancelled_at", "cancelledAt", _T),
        Field("closed_at", "closedAt", _T),
        Field("cancel_reason", "cancelReason"),
        #: made with a test gateway: no money moved
        Field("test", "test", _B),
        Field("confirmed", "confirmed", _B),
        Field("edited", "edited", _B),
        Field("financial_status", "displayFinancialStatus"),
        Field("fulfillment_status", "displayFulfillmentStatus"),
        Field("return_status", "returnStatus"),
        Field("currency", "currencyCode"),
        Field("presentment_currency", "presentmentCurrencyCode"),
        Field("taxes_included", "taxesIncluded", _B),
        Field("tax_exempt", "taxExempt", _B),
        Field("source_name", "sourceName"),
        Field("po_number", "poNumber"),
        Field("tags", "tags[]"),
        Field("discount_codes", "discountCodes[]"),
        Field("payment_gateways", "paymentGatewayNames[]"),
        Field("quantity", "subtotalLineItemsQuantity", _I),
        Field("current_quantity", "currentSubtotalLineItemsQuantity", _I),
        Field("customer_id", "customer.id"),
        _bag("subtotal", "subtotalPriceSet"),
        _bag("total", "totalPriceSet"),
        Field("presentment_total", "totalPriceSet.presentmentMoney.amount", _N),
        _bag("total_tax", "totalTaxSet"),
        _bag("total_discounts", "totalDiscountsSet"),
        _bag("total_shipping", "totalShippingPriceSet"),
        _bag("total_tip", "totalTipReceivedSet"),
        _bag("total_refunded", "totalRefundedSet"),
        _bag("total_refunded_shipping", "totalRefundedShippingSet"),
        _bag("total_received", "totalReceivedSet"),
        _bag("total_outstanding", "totalOutstandingSet"),
        _bag("net_payment", "netPaymentSet"),
        _bag("current_subtotal", "currentSubtotalPriceSet"),
        _bag("current_total", "currentTotalPriceSet"),
        _bag("current_total_tax", "currentTotalTaxSet"),
        _bag("current_total_discounts", "currentTotalDiscountsSet"),
        _bag("current_total_duties", "currentTotalDutiesSet"),
    ),
    lines=(
        Lines(
            name="order_lines",
            path="lineItems.nodes",
            fields=(
                Field("line_id", "id"),
                Field("sku", "sku"),
                Field("title", "title"),
                Field("variant_title", "variantTitle"),
                Field("vendor", "vendor"),
                Field("quantity", "quantity", _I),
                Field("current_quantity", "currentQuantity", _I),
                Field("refundable_quantity", "refundableQuantity", _I),
                Field("taxable", "taxable", _B),
                Field("is_gift_card", "isGiftCard", _B),
                Field("requires_shipping", "requiresShipping", _B),
                Field("product_id", "product.id"),
                Field("variant_id", "variant.id"),
                _bag("unit_price", "originalUnitPriceSet"),
                _bag("original_total", "originalTotalSet"),
                _bag("discounted_total", "discountedTotalSet"),
                _bag("total_discount", "totalDiscountSet"),
            ),
        ),
    ),
)

PRODUCTS = Shape(
    name="products",
    label="Products",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("title", "title"),
        Field("handle", "handle"),
        Field("status", "status"),
        Field("vendor", "vendor"),
        Field("product_type", "productType"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
        Field("published_at", "publishedAt", _T),
        Field("tags", "tags[]"),
        Field("total_inventory", "totalInventory", _I),
        Field("tracks_inventory", "tracksInventory", _B),
        Field("is_gift_card", "isGiftCard", _B),
    ),
    lines=(
        Lines(
            name="product_variants",
            path="variants.nodes",
            fields=(
                Field("variant_id", "id"),
                Field("legacy_id", "legacyResourceId"),
                Field("title", "title"),
                Field("sku", "sku"),
                Field("barcode", "barcode"),
                Field("price", "price", _N),
                Field("compare_at_price", "compareAtPrice", _N),
                Field("taxable", "taxable", _B),
                Field("rank", "position", _I),
                Field("inventory_quantity", "inventoryQuantity", _I),
                Field("inventory_policy", "inventoryPolicy"),
                Field("created_at", "createdAt", _T),
                Field("updated_at", "updatedAt", _T),
                Field("inventory_item_id", "inventoryItem.id"),
                Field("inventory_tracked", "inventoryItem.tracked", _B),
                Field("unit_cost", "inventoryItem.unitCost.amount", _N),
                Field("unit_cost_currency", "inventoryItem.unitCost.currencyCode"),
            ),
        ),
    ),
)

CUSTOMERS = Shape(
    name="customers",
    label="Customers",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
        Field("state", "state"),
        Field("locale", "locale"),
        Field("tags", "tags[]"),
        Field("tax_exempt", "taxExempt", _B),
        Field("verified_email", "verifiedEmail", _B),
        Field("number_of_orders", "numberOfOrders", _I),
        Field("amount_spent", "amountSpent.amount", _N),
        Field("amount_spent_currency", "amountSpent.currencyCode"),
    ),
)

INVENTORY = Shape(
    name="inventory_items",
    label="Inventory",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("sku", "sku"),
        Field("tracked", "tracked", _B),
        Field("requires_shipping", "requiresShipping", _B),
        Field("country_of_origin", "countryCodeOfOrigin"),
        Field("harmonized_code", "harmonizedSystemCode"),
        Field("unit_cost", "unitCost.amount", _N),
        Field("unit_cost_currency", "unitCost.currencyCode"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
    ),
    lines=(
        Lines(
            name="inventory_levels",
            path="inventoryLevels.nodes",
            fields=(
                Field("level_id", "id"),
                Field("location_id", "location.id"),
                Field("is_active", "isActive", _B),
                Field("updated_at", "updatedAt", _T),
                *(
                    Field(name, f"{path}[].quantity", _I)
                    for name, path in (
                        ("available", "available"),
                        ("committed", "committed"),
                        ("incoming", "incoming"),
                        ("on_hand", "onHand"),
                        ("reserved", "reserved"),
                    )
                ),
            ),
        ),
    ),
)

LOCATIONS = Shape(
    name="locations",
    label="Locations",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("name", "name"),
        Field("is_active", "isActive", _B),
        Field("is_fulfillment_service", "isFulfillmentService", _B),
        Field("fulfills_online_orders", "fulfillsOnlineOrders", _B),
        Field("ships_inventory", "shipsInventory", _B),
        Field("city", "address.city"),
        Field("province", "address.provinceCode"),
        Field("country", "address.countryCode"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
    ),
)

_SUMMARY = (
    ("charges_gross", "chargesGross"),
    ("charges_fee", "chargesFee"),
    ("refunds_gross", "refundsFeeGross"),
    ("refunds_fee", "refundsFee"),
    ("adjustments_gross", "adjustmentsGross"),
    ("adjustments_fee", "adjustmentsFee"),
    ("reserved_gross", "reservedFundsGross"),
    ("reserved_fee", "reservedFundsFee"),
    ("retried_gross", "retriedPayoutsGross"),
    ("retried_fee", "retriedPayoutsFee"),
    ("advances_gross", "advanceGross"),
    ("advances_fee", "advanceFees"),
)

PAYOUTS = Shape(
    name="payouts",
    label="Payouts",
    updated="issuedAt",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("issued_at", "issuedAt", _T),
        Field("status", "status"),
        Field("transaction_type", "transactionType"),
        Field("currency", "net.currencyCode"),
        Field("net", "net.amount", _N),
        *(Field(name, f"summary.{path}.amount", _N) for name, path in _SUMMARY),
    ),
)

BALANCE_TRANSACTIONS = Shape(
    name="balance_transactions",
    label="Balance transactions",
    updated="transactionDate",
    fields=(
        Field("id", "id"),
        Field("type", "type"),
        Field("source_type", "sourceType"),
        Field("source_id", "sourceId"),
        Field("source_order_transaction_id", "sourceOrderTransactionId"),
        Field("transaction_date", "transactionDate", _T),
        Field("test", "test", _B),
        Field("adjustment_reason", "adjustmentReason"),
        Field("currency", "amount.currencyCode"),
        Field("amount", "amount.amount", _N),
        Field("fee", "fee.amount", _N),
        Field("net", "net.amount", _N),
        Field("order_id", "associatedOrder.id"),
        Field("order_name", "associatedOrder.name"),
        Field("payout_id", "associatedPayout.id"),
    ),
)

DRAFT_ORDERS = Shape(
    name="draft_orders",
    label="Draft orders",
    fields=(
        Field("id", "id"),
        Field("legacy_id", "legacyResourceId"),
        Field("name", "name"),
        Field("status", "status"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
        Field("invoice_sent_at", "invoiceSentAt", _T),
        Field("completed_at", "completedAt", _T),
        Field("reserve_inventory_until", "reserveInventoryUntil", _T),
        Field("ready", "ready", _B),
        Field("currency", "currencyCode"),
        Field("presentment_currency", "presentmentCurrencyCode"),
        Field("taxes_included", "taxesIncluded", _B),
        Field("tax_exempt", "taxExempt", _B),
        Field("po_number", "poNumber"),
        Field("tags", "tags[]"),
        Field("discount_codes", "discountCodes[]"),
        Field("quantity", "totalQuantityOfLineItems", _I),
        Field("customer_id", "customer.id"),
        #: what became of it
        Field("order_id", "order.id"),
        Field("discount_title", "appliedDiscount.title"),
        Field("discount_kind", "appliedDiscount.valueType"),
        Field("discount_value", "appliedDiscount.value", _N),
        _bag("discount_amount", "appliedDiscount.amountSet"),
        _bag("total_lines", "totalLineItemsPriceSet"),
        _bag("total_discounts", "totalDiscountsSet"),
        _bag("subtotal", "subtotalPriceSet"),
        _bag("total_shipping", "totalShippingPriceSet"),
        _bag("total_tax", "totalTaxSet"),
        _bag("total", "totalPriceSet"),
        Field("presentment_total", "totalPriceSet.presentmentMoney.amount", _N),
    ),
    lines=(
        Lines(
            name="draft_order_lines",
            path="lineItems.nodes",
            fields=(
                Field("line_id", "id"),
                Field("sku", "sku"),
                Field("title", "title"),
                Field("variant_title", "variantTitle"),
                Field("vendor", "vendor"),
                Field("quantity", "quantity", _I),
                #: typed in by hand, of no product
                Field("custom", "custom", _B),
                Field("taxable", "taxable", _B),
                Field("is_gift_card", "isGiftCard", _B),
                Field("requires_shipping", "requiresShipping", _B),
                Field("product_id", "product.id"),
                Field("variant_id", "variant.id"),
                _bag("unit_price", "originalUnitPriceSet"),
                _bag("original_total", "originalTotalSet"),
                _bag("discounted_total", "discountedTotalSet"),
                _bag("total_discount", "totalDiscountSet"),
            ),
        ),
    ),
)

CHECKOUTS = Shape(
    name="abandoned_checkouts",
    label="Abandoned checkouts",
    fields=(
        Field("id", "id"),
        Field("name", "name"),
        Field("created_at", "createdAt", _T),
        Field("updated_at", "updatedAt", _T),
        #: when the buyer came back and bought after all
        Field("completed_at", "completedAt", _T),
        Field("taxes_included", "taxesIncluded", _B),
        Field("discount_codes", "discountCodes[]"),
        Field("customer_id", "customer.id"),
        Field("currency", "totalPriceSet.shopMoney.currencyCode"),
        _bag("total_lines", "totalLineItemsPriceSet"),
        _bag("total_discount", "totalDiscountSet"),
        _bag("subtotal", "subtotalPriceSet"),
        _bag("total_tax", "totalTaxSet"),
        _bag("total_duties", "totalDutiesSet"),
        _bag("total", "totalPriceSet"),
        Field("presentment_currency", "totalPriceSet.presentmentMoney.currencyCode"),
        Field("presentment_total", "totalPriceSet.presentmentMoney.amount", _N),
    ),
    lines=(
        Lines(
            name="abandoned_checkout_lines",
            path="lineItems.nodes",
            fields=(
                Field("line_id", "id"),
                Field("sku", "sku"),
                Field("title", "title"),
                Field("variant_title", "variantTitle"),
                Field("quantity", "quantity", _I),
                Field("product_id", "product.id"),
                Field("variant_id", "variant.id"),
                _bag("unit_price", "originalUnitPriceSet"),
                _bag("original_total", "originalTotalPriceSet"),
                _bag("discounted_total", "discountedTotalPriceSet"),
            ),
        ),
    ),
)

_TAKEN = "discount.customerGets.value"
DISCOUNTS = Shape(
    name="discounts",
    label="Discounts",
    updated="discount.updatedAt",
    fields=(
        Field("id", "id"),
        Field("kind", "discount.__typename"),
        Field("title", "discount.title"),
        Field("summary", "discount.summary"),
        Field("status", "discount.status"),
        Field("classes", "discount.discountClasses[]"),
        Field("created_at", "discount.createdAt", _T),
        Field("updated_at", "discount.updatedAt", _T),
        Field("starts_at", "discount.startsAt", _T),
        Field("ends_at", "discount.endsAt", _T),
        #: Shopify counts with some delay
        Field("times_used", "discount.asyncUsageCount", _I),
        Field("usage_limit", "discount.usageLimit", _I),
        Field("once_per_customer", "discount.appliesOncePerCustomer", _B),
        #: the first one, where there are several
        Field("code", "discount.codes.nodes[].code"),
        Field("codes", "discount.codesCount.count", _I),
        #: a part of one: 0.1 is 10 %
        Field("percentage", f"{_TAKEN}.percentage|{_TAKEN}.effect.percentage", _N),
        Field("amount", f"{_TAKEN}.amount.amount|{_TAKEN}.effect.amount.amount", _N),
        Field("amount_currency", f"{_TAKEN}.amount.currencyCode|{_TAKEN}.effect.amount.currencyCode"),
        Field("on_each_item", f"{_TAKEN}.appliesOnEachItem|{_TAKEN}.effect.appliesOnEachItem", _B),
        Field("items_given", f"{_TAKEN}.quantity.quantity", _I),
        Field("minimum_amount", "discount.minimumRequirement.greaterThanOrEqualToSubtotal.amount", _N),
        Field("minimum_currency", "discount.minimumRequirement.greaterThanOrEqualToSubtotal.currencyCode"),
        Field("minimum_quantity", "discount.minimumRequirement.greaterThanOrEqualToQuantity", _I),
        Field("dearest_shipping", "discount.maximumShippingPrice.amount", _N),
        Field("total_sales", "discount.totalSales.amount", _N),
        Field("total_sales_currency", "discount.totalSales.currencyCode"),
        Field("with_order_discounts", "discount.combinesWith.orderDiscounts", _B),
        Field("with_product_discounts", "discount.combinesWith.productDiscounts", _B),
        Field("with_shipping_discounts", "discount.combinesWith.shippingDiscounts", _B),
    ),
)
