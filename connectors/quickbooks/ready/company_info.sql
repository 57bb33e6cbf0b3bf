-- The company itself: one row. Read once a day.
SELECT
    d.id AS company_info_id,
    d.company_name,
    d.legal_name,
    d.country,
    d.start_date,
    d.fiscal_year_start_month,
    d.time_zone,
    d.email,
    d.phone,
    d.website,
    d.address_line1 AS street,
    d.address_city AS city,
    d.address_region AS region,
    d.address_postal_code AS postal_code,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_company_info d
