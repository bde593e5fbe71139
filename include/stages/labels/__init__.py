"""Answers become labels, and labels a dataset with a name."""
