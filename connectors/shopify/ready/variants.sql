-- One row per variant, with its product's title; the value of stock is at today's unit cost.
SELECT
    p.id AS product_id,
    v.variant_id,
    v.legacy_id AS variant_number_id,
    p.title AS product_title,
    p.status AS product_status,
    p.vendor,
    p.product_type,
    v.title AS variant_title,
    v.sku,
    v.barcode,
    v.rank AS variant_rank,
    CAST(v.price AS DECIMAL(18, 3)) AS price,
    CAST(v.compare_at_price AS DECIMAL(18, 3)) AS compare_at_price,
    CAST(v.unit_cost AS DECIMAL(18, 3)) AS unit_cost,
    v.unit_cost_currency,
    v.inventory_quantity,
    TRY(CAST(v.unit_cost * v.inventory_quantity AS DECIMAL(18, 3))) AS inventory_value,
    v.inventory_tracked,
    v.inventory_policy,
    v.inventory_item_id,
    v.taxable,
    v.created_at,
    v.updated_at
FROM raw_shopify_products p
JOIN raw_shopify_product_variants v ON v.parent_id = p.id
