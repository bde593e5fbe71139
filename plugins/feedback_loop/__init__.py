"""What Airflow instantiates to work with ``include``: operators, hooks, triggers, notifiers, links and pages."""
