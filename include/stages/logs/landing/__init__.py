"""From slices to committed rows: staged out of core, deduplicated, and landed in one commit."""
