-- One row per item of an order; prices are those of the whole line, not of one unit.
SELECT
    o.id AS order_id,
    i.position + 1 AS line_number,
    o.purchased_at,
    o.status AS order_status,
    o.status = 'Cancelled' AS is_cancelled,
    o.sales_channel,
    o.fulfillment_channel,
    i.sku,
    i.asin,
    i.product_name,
    i.item_status,
    i.quantity,
    i.currency,
    CAST(i.item_price AS DECIMAL(18, 3)) AS item_price,
    CAST(i.item_tax AS DECIMAL(18, 3)) AS item_tax,
    CAST(i.shipping_price AS DECIMAL(18, 3)) AS shipping_price,
    CAST(i.shipping_tax AS DECIMAL(18, 3)) AS shipping_tax,
    CAST(i.gift_wrap_price AS DECIMAL(18, 3)) AS gift_wrap_price,
    CAST(i.gift_wrap_tax AS DECIMAL(18, 3)) AS gift_wrap_tax,
    CAST(i.item_promotion_discount AS DECIMAL(18, 3)) AS item_discount,
    CAST(i.ship_promotion_discount AS DECIMAL(18, 3)) AS shipping_discount,
    i.promotion_ids
FROM raw_amazon_orders o
JOIN raw_amazon_order_items i ON i.parent_id = o.id
