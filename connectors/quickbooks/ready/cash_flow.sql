-- QuickBooks' own cash flow by month. Read once a day. The rows that add up are marked; the others are QuickBooks' totals of them.
SELECT
    r.id AS row_id,
    r.row_number,
    r.level,
    r.path,
    r.section,
    r.row_kind IN ('data', 'header') AS adds_up,
    r.row_kind,
    r.account_id,
    r.account_name,
    r.period_start,
    r.period_end,
    r.amount,
    r.currency
FROM raw_quickbooks_cash_flow r
WHERE NOT r.is_total_column
