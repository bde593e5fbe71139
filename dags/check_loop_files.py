"""Show every problem of every loop file as an import error in the UI, while the valid loops' DAGs keep running.

Airflow parses this file as it names a dag. It also makes each notifier that a loop file names: a wrong path or a missing
parameter shows here, not on the day that something happens.
"""

from feedback_loop.notifications import check_notifiers

from include.foundation.config.loading import load_loops

check_notifiers(load_loops())
