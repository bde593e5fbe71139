"""The loop's decisions: what each kind says, and the chain they are recorded in."""
