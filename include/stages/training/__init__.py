"""Whether to train, on what, and how: its dataset, configuration and seed decide what a challenger is."""
