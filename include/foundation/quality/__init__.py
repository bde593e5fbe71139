"""Batches judged by Great Expectations: suites, what they found, and Data Docs."""
