"""Connections: where the store, the registry and the labeling backend are."""
