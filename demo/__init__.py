"""The demo: a story that is played in a local Airflow, with simulated traffic and simulated annotators."""
