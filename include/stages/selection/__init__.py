"""Which rows are worth a label: strategies score, a diversifier spreads, a budget decides, chance judges."""
