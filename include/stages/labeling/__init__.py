"""Requests go out to people, once; answers come back."""
