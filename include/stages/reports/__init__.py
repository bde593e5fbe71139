"""What the loop did, in words and pictures, from its tables alone."""
