"""One operator a task: read a reference, call include, return a reference."""
