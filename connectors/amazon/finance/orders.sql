-- Amazon's report does not say whether prices hold the tax. In its American and Canadian shops they never do.
SELECT
    o._source AS source,
    o.order_id,
    o.order_id AS order_number,
    o.purchased_at AS ordered_at,
    o.updated_at,
    o.status,
    o.is_cancelled,
    FALSE AS is_test,
    o.sales_channel AS channel,
    o.units,
    o.currency,
    o.items AS items_amount,
    COALESCE(o.item_discount, 0) + COALESCE(o.shipping_discount, 0) AS discount_amount,
    o.shipped AS shipping_amount,
    o.other AS other_amount,
    o.tax AS tax_amount,
    o.includes AS prices_include_tax,
    CASE
        WHEN o.includes = FALSE THEN o.items + o.shipped + o.other + o.tax
        WHEN o.tax = 0 THEN o.items + o.shipped + o.other
    END AS total_amount
FROM (
    SELECT
        *,
        item_price - COALESCE(item_discount, 0) AS items,
        COALESCE(shipping_price, 0) - COALESCE(shipping_discount, 0) AS shipped,
        COALESCE(gift_wrap_price, 0) AS other,
        COALESCE(item_tax, 0) + COALESCE(shipping_tax, 0) + COALESCE(gift_wrap_tax, 0) AS tax,
        CASE WHEN sales_channel IN ('Amazon.com', 'Amazon.ca') THEN FALSE END AS includes
    FROM ready_amazon_orders
) o
