"""From slices to committed rows: staged out of core, repeats resolved, landed in one commit."""
