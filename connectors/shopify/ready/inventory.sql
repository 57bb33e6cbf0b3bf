-- One row for each item at each location: counts as Shopify holds them, and their value at today's unit cost.
-- on_hand = available + committed + reserved and what is set aside otherwise; incoming is not counted in. Read once an
-- hour: changed_at is the level's own time of change.
SELECT
    i.id AS inventory_item_id,
    l.level_id,
    l.location_id,
    p.name AS location_name,
    i.sku,
    i.tracked AS is_tracked,
    l.is_active,
    l.available,
    l.committed,
    l.reserved,
    l.on_hand,
    l.incoming,
    i.unit_cost_currency AS currency,
    CAST(i.unit_cost AS DECIMAL(18, 3)) AS unit_cost,
    TRY(CAST(i.unit_cost * l.on_hand AS DECIMAL(18, 3))) AS inventory_value,
    l.updated_at AS changed_at
FROM raw_shopify_inventory_items i
JOIN raw_shopify_inventory_levels l ON l.parent_id = i.id
LEFT JOIN raw_shopify_locations p ON p.id = l.location_id
