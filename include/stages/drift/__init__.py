"""Whether the live data differ from ordinary days by more than ordinary days differ from each other."""
