SELECT
    i._source AS source,
    i.inventory_item_id AS item_id,
    i.location_id AS place_id,
    i.location_name AS place,
    i.sku,
    NULL AS product_name,
    i.on_hand,
    i.available,
    i.on_hand - i.available AS reserved,
    i.incoming,
    i.currency,
    i.unit_cost,
    i.inventory_value AS stock_value,
    i.changed_at
FROM ready_shopify_inventory i
