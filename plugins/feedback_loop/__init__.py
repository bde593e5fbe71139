"""What Airflow instantiates: operators, hooks, triggers, links and pages that translate between Airflow and ``include``."""
