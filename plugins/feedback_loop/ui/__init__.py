"""The pages that the loop wrote, as Airflow's API server serves them."""
