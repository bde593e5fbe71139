"""Loop files: one YAML file under ``include/loops`` is one loop."""
