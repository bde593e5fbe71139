"""Watching loops from outside: an exporter of their metrics, and the rules and dashboards that read them."""
