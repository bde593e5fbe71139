"""The ``label_studio`` backend: tasks and annotations of Label Studio's own API, over plain HTTP."""
