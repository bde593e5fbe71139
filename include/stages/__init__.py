"""The loop, a package a stage: each imports the foundation and stages before it."""
