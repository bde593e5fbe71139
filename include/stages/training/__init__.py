"""Whether to train, on what, and how: a challenger is its dataset, its configuration and a seed."""
