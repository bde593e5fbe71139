"""What the stages stand on; it imports none of them."""
