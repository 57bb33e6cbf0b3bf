-- One row per credit from a vendor. Amounts are positive, as QuickBooks shows them: they lower what we owe.
SELECT
    d.id AS vendor_credit_id,
    d.doc_number AS vendor_credit_number,
    d.txn_date AS vendor_credit_date,
    d.vendor_id,
    d.vendor_name,
    d.currency,
    COALESCE(d.exchange_rate, 1) AS exchange_rate,
    d.total_amount,
    d.total_tax AS tax_amount,
    TRY(CAST(d.total_amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_total_amount,
    d.balance AS open_amount,
    d.ap_account_id,
    d.ap_account_name,
    d.department_id,
    d.department_name,
    d.memo,
    d.private_note,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_vendor_credits d
