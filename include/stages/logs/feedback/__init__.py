"""Feedback: read, joined to its predictions, and held back where it comes in bursts."""
