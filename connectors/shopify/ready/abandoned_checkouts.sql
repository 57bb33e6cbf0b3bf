-- One row per checkout that a buyer began and left; is_recovered where they came back and bought after all. No money
-- moved. Without names and addresses. What Shopify no longer lists is gone from here. Read once an hour.
SELECT
    c.id AS checkout_id,
    c.name AS checkout_name,
    c.created_at,
    c.updated_at,
    c.completed_at,
    c.completed_at IS NOT NULL AS is_recovered,
    c.customer_id,
    c.discount_codes,
    c.currency,
    CAST(c.total_lines AS DECIMAL(18, 3)) AS gross_amount,
    CAST(c.total_discount AS DECIMAL(18, 3)) AS discounts,
    CAST(c.subtotal AS DECIMAL(18, 3)) AS subtotal,
    CAST(c.total_tax AS DECIMAL(18, 3)) AS tax,
    CAST(c.total_duties AS DECIMAL(18, 3)) AS duties,
    CAST(c.total AS DECIMAL(18, 3)) AS total,
    c.presentment_currency,
    CAST(c.presentment_total AS DECIMAL(18, 3)) AS presentment_total,
    c.taxes_included
FROM raw_shopify_abandoned_checkouts c
