-- One row per order line, with what is needed of its order to sum it by day and to leave out test and cancelled orders.
-- Discounts are all of a line's: its own, and its part of codes over the whole order. net = gross - discount, before
-- tax unless the prices include it. Amounts are those of the sale: refunds stand in shopify_refunds.
WITH said AS (
    SELECT o.id AS parent_id, unnest(json_transform(o._raw -> '$.lineItems.nodes', '[{
        "id": "VARCHAR",
        "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {"amount": "VARCHAR"}}}],
        "taxLines": [{"priceSet": {"shopMoney": {"amount": "VARCHAR"}}}]
    }]')) AS line
    FROM raw_shopify_orders o
),
parts AS (
    SELECT
        parent_id,
        line.id AS line_id,
        list_sum(list_transform(
            line.discountAllocations, lambda x: CAST(x.allocatedAmountSet.shopMoney.amount AS DECIMAL(28, 9))
        )) AS discount,
        list_sum(list_transform(line.taxLines, lambda x: CAST(x.priceSet.shopMoney.amount AS DECIMAL(28, 9)))) AS tax
    FROM said
)
SELECT
    o.id AS order_id,
    l.line_id,
    l.position + 1 AS line_number,
    o.name AS order_name,
    o.processed_at,
    COALESCE(o.test, FALSE) AS is_test,
    o.cancelled_at IS NOT NULL AS is_cancelled,
    l.sku,
    l.title,
    l.variant_title,
    l.vendor,
    l.product_id,
    l.variant_id,
    l.quantity,
    l.current_quantity,
    l.quantity - l.current_quantity AS removed_quantity,
    o.currency,
    CAST(l.unit_price AS DECIMAL(18, 3)) AS unit_price,
    CAST(l.original_total AS DECIMAL(18, 3)) AS gross_amount,
    CAST(COALESCE(p.discount, l.total_discount) AS DECIMAL(18, 3)) AS discount_amount,
    CAST(l.original_total - COALESCE(p.discount, l.total_discount) AS DECIMAL(18, 3)) AS net_amount,
    CAST(COALESCE(p.tax, 0) AS DECIMAL(18, 3)) AS tax_amount,
    o.taxes_included,
    l.taxable,
    l.is_gift_card
FROM raw_shopify_orders o
JOIN raw_shopify_order_lines l ON l.parent_id = o.id
LEFT JOIN parts p ON p.parent_id = l.parent_id AND p.line_id = l.line_id
