-- One row per product, with the range of its variants' prices.
SELECT
    p.id AS product_id,
    p.legacy_id AS product_number_id,
    p.title,
    p.handle,
    p.status,
    p.vendor,
    p.product_type,
    p.tags,
    p.created_at,
    p.updated_at,
    p.published_at,
    p.total_inventory,
    p.tracks_inventory,
    p.is_gift_card,
    COUNT(v.variant_id) AS variants,
    CAST(MIN(v.price) AS DECIMAL(18, 3)) AS lowest_price,
    CAST(MAX(v.price) AS DECIMAL(18, 3)) AS highest_price
FROM raw_shopify_products p
LEFT JOIN raw_shopify_product_variants v ON v.parent_id = p.id
GROUP BY ALL
