-- One row per payment of an order: what was authorized, taken, given back or voided, failed attempts included.
-- amount is as Shopify gives it, always positive; net_amount is what it did to the money received: sales and captures
-- that succeeded count plus, refunds minus, everything else zero.
WITH said AS (
    SELECT o.id AS order_id, unnest(json_transform(o._raw -> '$.transactions', '[{
        "id": "VARCHAR",
        "kind": "VARCHAR",
        "status": "VARCHAR",
        "test": "BOOLEAN",
        "gateway": "VARCHAR",
        "manualPaymentGateway": "BOOLEAN",
        "createdAt": "VARCHAR",
        "processedAt": "VARCHAR",
        "errorCode": "VARCHAR",
        "paymentId": "VARCHAR",
        "settlementCurrency": "VARCHAR",
        "settlementCurrencyRate": "VARCHAR",
        "parentTransaction": {"id": "VARCHAR"},
        "amountSet": {
            "shopMoney": {"amount": "VARCHAR"},
            "presentmentMoney": {"amount": "VARCHAR", "currencyCode": "VARCHAR"}
        },
        "fees": [{"amount": {"amount": "VARCHAR", "currencyCode": "VARCHAR"}}]
    }]')) AS t
    FROM raw_shopify_orders o
)
SELECT
    o.id AS order_id,
    s.t.id AS transaction_id,
    s.t.parentTransaction.id AS parent_transaction_id,
    o.name AS order_name,
    s.t.kind AS kind,
    s.t.status AS status,
    CAST(s.t.createdAt AS TIMESTAMP WITH TIME ZONE) AS created_at,
    CAST(s.t.processedAt AS TIMESTAMP WITH TIME ZONE) AS processed_at,
    COALESCE(s.t.test, FALSE) AS is_test,
    s.t.gateway AS gateway,
    s.t.manualPaymentGateway AS is_manual,
    s.t.errorCode AS error_code,
    s.t.paymentId AS payment_id,
    o.currency,
    CAST(s.t.amountSet.shopMoney.amount AS DECIMAL(18, 3)) AS amount,
    CAST(CASE
        WHEN s.t.status <> 'SUCCESS' THEN 0
        WHEN s.t.kind IN ('SALE', 'CAPTURE') THEN CAST(s.t.amountSet.shopMoney.amount AS DECIMAL(28, 9))
        WHEN s.t.kind IN ('REFUND', 'CHANGE') THEN -CAST(s.t.amountSet.shopMoney.amount AS DECIMAL(28, 9))
        ELSE 0
    END AS DECIMAL(18, 3)) AS net_amount,
    s.t.amountSet.presentmentMoney.currencyCode AS presentment_currency,
    CAST(s.t.amountSet.presentmentMoney.amount AS DECIMAL(18, 3)) AS presentment_amount,
    s.t.settlementCurrency AS settlement_currency,
    CAST(s.t.settlementCurrencyRate AS DECIMAL(28, 9)) AS settlement_rate,
    CAST(COALESCE(list_sum(
        list_transform(s.t.fees, lambda x: CAST(x.amount.amount AS DECIMAL(28, 9)))
    ), 0) AS DECIMAL(18, 3)) AS fee_amount,
    s.t.fees[1].amount.currencyCode AS fee_currency
FROM said s
JOIN raw_shopify_orders o ON o.id = s.order_id
