-- Vendors, with what we owe them.
SELECT
    v.id AS vendor_id,
    v.display_name AS vendor_name,
    v.company_name,
    v.account_number,
    v.active AS is_active,
    v.vendor_1099 AS is_1099,
    v.currency,
    v.balance,
    v.term_name AS terms,
    v.email,
    v.phone,
    v.bill_line1 AS street,
    v.bill_city AS city,
    v.bill_region AS region,
    v.bill_postal_code AS postal_code,
    v.bill_country AS country,
    v.created_at,
    v.updated_at
FROM raw_quickbooks_vendors v
