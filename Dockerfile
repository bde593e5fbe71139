# One image for every Airflow service, for MLflow and for the gateway. Both bases that it is written for bring AIRFLOW_HOME and the user 50000 in
# group 0: Airflow's own image (/opt/airflow; docker-compose.yaml) and an Astro Runtime (/usr/local/airflow; docs/running.md).
ARG BASE_IMAGE=apache/airflow:3.3.2-python3.11
FROM ${BASE_IMAGE}

USER 50000:0
WORKDIR ${AIRFLOW_HOME}

COPY --chown=50000:0 requirements-image.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-image.txt

# A named volume takes over the owner of the folder that it is mounted on; a folder missing here would belong to root.
RUN mkdir -p data logs mlflow state && chmod g=u data logs mlflow state

COPY --chown=50000:0 dags ./dags
COPY --chown=50000:0 plugins ./plugins
COPY --chown=50000:0 include ./include
COPY --chown=50000:0 observability ./observability
COPY --chown=50000:0 gateway ./gateway

# Tasks, triggers and DAG files import `include` by its full name on every service.
ENV PYTHONPATH=${AIRFLOW_HOME} \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true
