"""The story the demo plays, its simulated traffic and annotators, and what starts a local Airflow."""
