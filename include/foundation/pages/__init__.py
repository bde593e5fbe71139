"""Pages and pictures: one renderer, one style, one size. Pages are escaped, load nothing and run nothing."""
