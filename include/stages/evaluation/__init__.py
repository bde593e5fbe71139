"""How good models are on the production distribution, with intervals."""
