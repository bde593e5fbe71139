"""Show every problem of every loop file as an import error in the UI, while the valid loops' DAGs keep running.

Every notifier that a loop file names is made once, so that a wrong path or a missing parameter shows here and not on the day
that something happens. (Airflow parses this file because its text names a DAG.)
"""

from feedback_loop.notifications import check_notifiers

from include.foundation.config.loading import load_loops

check_notifiers(load_loops())
