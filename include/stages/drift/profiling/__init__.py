"""Counts of a day's rows, by column and segment, that merge into the counts of any window."""
