"""What the loop decides: ``stages`` on a ``foundation``. ``loops`` and ``factories`` are yours. It knows no Airflow."""
