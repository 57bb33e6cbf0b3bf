-- One row per line of a draft order. discount_amount is the line's own; a discount over the whole draft order stands in
-- shopify_draft_orders. net_amount is what Shopify says the line comes to, before tax unless the prices include it.
SELECT
    d.id AS draft_order_id,
    l.line_id,
    l.position + 1 AS line_number,
    d.name AS draft_order_name,
    d.status,
    d.created_at,
    l.sku,
    l.title,
    l.variant_title,
    l.vendor,
    l.product_id,
    l.variant_id,
    COALESCE(l.custom, FALSE) AS is_custom,
    l.quantity,
    d.currency,
    CAST(l.unit_price AS DECIMAL(18, 3)) AS unit_price,
    CAST(l.original_total AS DECIMAL(18, 3)) AS gross_amount,
    CAST(l.total_discount AS DECIMAL(18, 3)) AS discount_amount,
    CAST(l.discounted_total AS DECIMAL(18, 3)) AS net_amount,
    d.taxes_included,
    l.taxable,
    l.is_gift_card
FROM raw_shopify_draft_orders d
JOIN raw_shopify_draft_order_lines l ON l.parent_id = d.id
