"""Show every problem of every loop file as an import error in the UI, while the valid loops' DAGs keep running.

Every notifier that a loop file names is made once, so that a wrong path or a missing parameter shows here and not on the day
that something happens. ``make check`` says more. (Airflow parses this file because its text names a DAG.)
"""

from feedback_loop.notifications import notifier_problems

from include.foundation.config.loading import checked_loops
from include.foundation.errors import ConfigError

loops, problems = checked_loops()
problems += [f"{loop.name}.yaml: {problem}" for loop in loops for problem in notifier_problems(loop)]
if problems:
    raise ConfigError("Loop files are not valid", problems)
