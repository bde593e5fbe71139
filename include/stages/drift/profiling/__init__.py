"""A day's rows become counts by column and segment, which merge to any window."""
