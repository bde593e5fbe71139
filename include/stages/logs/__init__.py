"""Prediction logs and feedback come in; what is broken goes to quarantine with a reason.

The way of a file: `pulling` plans which of its `slices` were not read yet; `landing.staging` reads them, at once by `scans`
where the `rules` are sure and line by line where they are not; `landing.landing` deduplicates the rows and commits them; then
the ledger of `slices` notes what was read.
"""
