-- What we owe vendors, by how long it is overdue, as QuickBooks' own report says: a row for each vendor and age. Rows that are totals
-- are marked; of a vendor with others below it, `path` says under whom each stands. Read once a day.
SELECT
    r.id AS row_id,
    r.row_number,
    r.level,
    r.path,
    r.row_kind = 'summary' AS is_total,
    r.account_id AS vendor_id,
    r.account_name AS vendor_name,
    CASE r.column_key
        WHEN 'current' THEN 'current' WHEN '0' THEN '1-30' WHEN '1' THEN '31-60' WHEN '2' THEN '61-90' WHEN '3' THEN '91+'
        ELSE r.column_key
    END AS days_overdue,
    r.amount,
    r.period_end AS report_date,
    r.currency
FROM raw_quickbooks_aged_payables r
WHERE NOT r.is_total_column AND r.amount IS NOT NULL
