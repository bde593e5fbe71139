"""The small HTTP service that serves the champion of one or more loops, and logs what it answers in the loop's own format."""
