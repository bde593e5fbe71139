"""One file a claim; each prints JSON lines, with what it is compared to measured in the same run."""
