"""Lines from outside: read from files of any format, value by value, or refused with every reason."""
