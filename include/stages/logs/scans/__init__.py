"""How a log file of each format is read: at once by DuckDB, and line by line where DuckDB is not sure."""
