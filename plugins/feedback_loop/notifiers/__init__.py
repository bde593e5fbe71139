"""Airflow notifiers of our own; a loop file names these or any other."""
