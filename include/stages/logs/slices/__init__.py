"""What one task reads: slices of files or of a query, and the ledger of what was read."""
