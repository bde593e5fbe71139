"""Show every problem of every loop file as an import error in the UI, while the valid loops' DAGs keep running."""

import airflow  # noqa: F401 - Airflow parses only files that name it

from include.foundation.config.loading import load_loops

load_loops()
