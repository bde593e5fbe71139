"""What Airflow instantiates: operators, hooks, triggers and notifiers that translate between Airflow and ``include``."""
