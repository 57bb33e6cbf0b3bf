"""Messages made of invented facts: for `tidings preview`, for the golden files and for the limits that tests try."""
