"""A window's profiles compared with those of ordinary days: which columns differ, how much, and how significantly."""
