"""Requests go to the annotators, each of them once, and their answers come back."""
