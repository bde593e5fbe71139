"""Which model is live, since when, on what evidence, and whether it keeps what it promised."""
