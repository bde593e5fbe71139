"""What ``make check`` does: try, before anything runs, what the tasks of a loop will do."""
