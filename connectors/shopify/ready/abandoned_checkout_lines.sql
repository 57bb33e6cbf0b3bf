-- One row per line of an abandoned checkout; net_amount is what Shopify says the line came to with its discounts.
SELECT
    c.id AS checkout_id,
    l.line_id,
    l.position + 1 AS line_number,
    c.created_at,
    c.completed_at IS NOT NULL AS is_recovered,
    l.sku,
    l.title,
    l.variant_title,
    l.product_id,
    l.variant_id,
    l.quantity,
    c.currency,
    CAST(l.unit_price AS DECIMAL(18, 3)) AS unit_price,
    CAST(l.original_total AS DECIMAL(18, 3)) AS gross_amount,
    CAST(l.discounted_total AS DECIMAL(18, 3)) AS net_amount
FROM raw_shopify_abandoned_checkouts c
JOIN raw_shopify_abandoned_checkout_lines l ON l.parent_id = c.id
