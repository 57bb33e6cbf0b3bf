-- One row per discount, with a code or automatic. percentage is a part of one (0.1 is 10 %); amount is money off;
-- code is the first one where there are several (codes says how many). times_used is Shopify's own count, which lags;
-- it is read once a day, the rest once an hour. What a discount took off an order stands in shopify_order_charges.
SELECT
    d.id AS discount_id,
    d.title,
    d.code,
    d.codes,
    CASE
        WHEN starts_with(d.kind, 'DiscountCode') THEN 'code'
        WHEN starts_with(d.kind, 'DiscountAutomatic') THEN 'automatic'
    END AS method,
    CASE regexp_extract(d.kind, '^Discount(?:Code|Automatic)(\w+)$', 1)
        WHEN 'Basic' THEN CASE WHEN d.percentage IS NOT NULL THEN 'percentage' ELSE 'amount' END
        WHEN 'Bxgy' THEN 'buy_x_get_y'
        WHEN 'FreeShipping' THEN 'free_shipping'
        WHEN 'App' THEN 'app'
    END AS kind,
    d.classes,
    d.status,
    d.summary,
    d.created_at,
    d.updated_at,
    d.starts_at,
    d.ends_at,
    d.percentage,
    CAST(d.amount AS DECIMAL(18, 3)) AS amount,
    d.amount_currency,
    d.on_each_item,
    d.items_given,
    CAST(d.minimum_amount AS DECIMAL(18, 3)) AS minimum_amount,
    d.minimum_quantity,
    CAST(d.dearest_shipping AS DECIMAL(18, 3)) AS dearest_shipping,
    d.times_used,
    d.usage_limit,
    COALESCE(d.once_per_customer, FALSE) AS once_per_customer,
    CAST(d.total_sales AS DECIMAL(18, 3)) AS total_sales,
    d.total_sales_currency,
    d.with_order_discounts AS combines_with_order_discounts,
    d.with_product_discounts AS combines_with_product_discounts,
    d.with_shipping_discounts AS combines_with_shipping_discounts
FROM raw_shopify_discounts d
