"""Tables by files and days, for more rows than memory holds."""
