"""A window's profiles held against those of ordinary days."""
