"""The tables: the one place that knows where data lives, what a row looks like and how it is committed."""
