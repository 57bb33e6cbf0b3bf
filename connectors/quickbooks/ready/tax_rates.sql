-- Sales tax rates in per cent, as they are today. Read once a day.
SELECT
    d.id AS tax_rate_id,
    d.name AS tax_rate_name,
    d.description,
    d.rate AS rate_percent,
    d.agency_id AS tax_agency_id,
    d.special_type,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_tax_rates d
