-- Authorities to which sales tax is paid. Read once a day.
SELECT
    d.id AS tax_agency_id,
    d.display_name AS tax_agency_name,
    d.registration_number,
    d.reporting_period,
    d.tracked_on_sales AS is_tracked_on_sales,
    d.tracked_on_purchases AS is_tracked_on_purchases,
    d.last_file_date,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_tax_agencies d
