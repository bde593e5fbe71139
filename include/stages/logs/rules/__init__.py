"""What a log line must be: the same rules in SQL, which is quick, and in Python, which explains."""
