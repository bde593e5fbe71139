"""Feedback: read into the store, held back where it comes in bursts, and joined to its predictions."""
