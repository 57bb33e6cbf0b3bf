SELECT
    i._source AS source,
    i.inventory_id AS item_id,
    i.marketplace_id AS place_id,
    NULL AS place,
    i.sku,
    i.product_name,
    i.fulfillable_quantity + i.reserved_quantity + i.unfulfillable_quantity + i.researching_quantity AS on_hand,
    i.fulfillable_quantity AS available,
    i.reserved_quantity AS reserved,
    i.inbound_quantity AS incoming,
    NULL AS currency,
    NULL AS unit_cost,
    NULL AS stock_value,
    i.updated_at AS changed_at
FROM ready_amazon_inventory i
