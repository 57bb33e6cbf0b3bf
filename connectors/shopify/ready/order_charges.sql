-- One row for each thing on an order beside its lines: shipping, taxes by name and rate, and discounts.
-- Shipping and taxes are positive, discounts negative, in the shop's currency. Taxes are those of lines and shipping
-- together, as on the order; a discount's amount is what it took off lines and shipping where the order has one only,
-- else empty: what each line lost stands in shopify_order_lines.
WITH said AS (
    SELECT o.id AS order_id, json_transform(o._raw, '{
        "taxLines": [{
            "title": "VARCHAR", "rate": "VARCHAR", "priceSet": {"shopMoney": {"amount": "VARCHAR"}}
        }],
        "shippingLines": {"nodes": [{
            "id": "VARCHAR", "title": "VARCHAR", "code": "VARCHAR",
            "originalPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
            "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {"amount": "VARCHAR"}}}]
        }]},
        "lineItems": {"nodes": [{
            "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {"amount": "VARCHAR"}}}]
        }]},
        "discountApplications": {"nodes": [{
            "__typename": "VARCHAR", "index": "BIGINT", "code": "VARCHAR", "title": "VARCHAR",
            "targetType": "VARCHAR", "allocationMethod": "VARCHAR", "value": {"percentage": "VARCHAR"}
        }]}
    }') AS said
    FROM raw_shopify_orders o
),
taxes AS (
    SELECT order_id, unnest(said.taxLines) AS x, generate_subscripts(said.taxLines, 1) AS place FROM said
),
shipping AS (
    SELECT order_id, unnest(said.shippingLines.nodes) AS x, generate_subscripts(said.shippingLines.nodes, 1) AS place
    FROM said
),
discounts AS (
    SELECT
        order_id, unnest(said.discountApplications.nodes) AS x,
        generate_subscripts(said.discountApplications.nodes, 1) AS place,
        CASE WHEN len(said.discountApplications.nodes) = 1 THEN list_sum(list_transform(
            flatten(list_concat(
                list_transform(said.lineItems.nodes, lambda n: n.discountAllocations),
                list_transform(said.shippingLines.nodes, lambda n: n.discountAllocations)
            )),
            lambda a: CAST(a.allocatedAmountSet.shopMoney.amount AS DECIMAL(28, 9))
        )) END AS taken
    FROM said
),
parts AS (
    SELECT
        order_id, 'tax' AS kind, place, NULL AS code, x.title AS title, NULL AS target,
        CAST(x.rate AS DECIMAL(18, 9)) AS rate, CAST(x.priceSet.shopMoney.amount AS DECIMAL(28, 9)) AS amount
    FROM taxes
    UNION ALL
    SELECT
        order_id, 'shipping', place, x.code, x.title, NULL, NULL,
        CAST(x.originalPriceSet.shopMoney.amount AS DECIMAL(28, 9))
    FROM shipping
    UNION ALL
    SELECT
        order_id, 'discount', place, x.code, x.title, x.targetType,
        CAST(CAST(x.value.percentage AS DECIMAL(18, 9)) / 100 AS DECIMAL(18, 9)), -taken
    FROM discounts
)
SELECT
    o.id AS order_id,
    p.kind,
    p.place AS charge_number,
    o.name AS order_name,
    o.processed_at,
    COALESCE(o.test, FALSE) AS is_test,
    o.cancelled_at IS NOT NULL AS is_cancelled,
    p.code,
    p.title,
    p.target,
    p.rate,
    o.currency,
    CAST(p.amount AS DECIMAL(18, 3)) AS amount
FROM parts p
JOIN raw_shopify_orders o ON o.id = p.order_id
