"""Ledgers that several stages read: what was live, and what became of requests."""
