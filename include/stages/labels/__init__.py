"""Answers become labels, and the labels become datasets, each with a name."""
