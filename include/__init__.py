"""What the loop decides. Nothing below this package imports Airflow."""
