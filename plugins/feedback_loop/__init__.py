"""What Airflow instantiates: operators, hooks and triggers that translate between Airflow and ``include``."""
