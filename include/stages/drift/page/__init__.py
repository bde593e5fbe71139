"""A drift verdict as a person reads it: a page and a picture."""
