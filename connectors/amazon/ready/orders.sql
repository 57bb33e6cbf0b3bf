-- One row per order. Sums are of its items as Amazon priced them: null while the order is pending, discounts as positive
-- amounts. An order that mixes currencies (Amazon has none today) would show NULL as its currency.
SELECT
    o.id AS order_id,
    o.purchased_at,
    o.updated_at,
    o.status,
    o.status = 'Cancelled' AS is_cancelled,
    o.status LIKE 'Pending%' AS is_pending,
    o.fulfillment_channel,
    o.sales_channel,
    o.ship_country,
    COALESCE(o.is_business_order, FALSE) AS is_business_order,
    CASE WHEN COUNT(DISTINCT i.currency) = 1 THEN MIN(i.currency) END AS currency,
    CAST(COALESCE(SUM(i.quantity), 0) AS BIGINT) AS units,
    TRY_CAST(SUM(i.item_price) AS DECIMAL(18, 3)) AS item_price,
    TRY_CAST(SUM(i.item_tax) AS DECIMAL(18, 3)) AS item_tax,
    TRY_CAST(SUM(i.shipping_price) AS DECIMAL(18, 3)) AS shipping_price,
    TRY_CAST(SUM(i.shipping_tax) AS DECIMAL(18, 3)) AS shipping_tax,
    TRY_CAST(SUM(i.gift_wrap_price) AS DECIMAL(18, 3)) AS gift_wrap_price,
    TRY_CAST(SUM(i.gift_wrap_tax) AS DECIMAL(18, 3)) AS gift_wrap_tax,
    TRY_CAST(SUM(i.item_promotion_discount) AS DECIMAL(18, 3)) AS item_discount,
    TRY_CAST(SUM(i.ship_promotion_discount) AS DECIMAL(18, 3)) AS shipping_discount
FROM raw_amazon_orders o
LEFT JOIN raw_amazon_order_items i ON i.parent_id = o.id
GROUP BY ALL
