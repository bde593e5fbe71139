# One image for every Airflow service and for MLflow: what is tested is what runs.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=airflow:root requirements.txt /opt/airflow/requirements.txt
RUN pip install --no-cache-dir --requirement /opt/airflow/requirements.txt psycopg2-binary apache-airflow-providers-celery==3.26.0 \
    apache-airflow-providers-postgres==7.1.1 redis

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include

# `include` is imported by its full name on every service: in tasks, triggers and DAG files alike.
ENV PYTHONPATH=/opt/airflow \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true
