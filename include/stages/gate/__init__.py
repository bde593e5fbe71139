"""Whether a challenger may become the champion, within an error budget."""
