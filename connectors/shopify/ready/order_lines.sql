-- One row per order line, with what is needed of its order to sum it by day and to leave out test and cancelled orders.
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
    CAST(l.total_discount AS DECIMAL(18, 3)) AS discount_amount,
    CAST(l.discounted_total AS DECIMAL(18, 3)) AS net_amount,
    l.taxable,
    l.is_gift_card
FROM raw_shopify_orders o
JOIN raw_shopify_order_lines l ON l.parent_id = o.id
