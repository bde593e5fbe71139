"""Which tasks of a project are looked up, or shown: filters as Label Studio's Data Manager has them."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from include.stages.labeling.label_studio.studio_tasks import BATCH


def task_filter(name: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    """Return a filter on a column of tasks.

    Parameters
    ----------
    name
        Of the column; ``data.x`` is a field of the task.
    operator, kind
        As the Data Manager names them: ``equal``, ``String`` …
    value
        What is compared with.
    """
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}


def of_batch(batch_id: str) -> dict[str, Any]:
    """Return the filter on the tasks of a batch."""
    return task_filter(f"data.{BATCH}", "equal", "String", batch_id)


def query_of(items: Sequence[Mapping[str, Any]], *ordering: str) -> str:
    """Return a query for the address: within a body Label Studio would disregard it, and return everything."""
    return json.dumps({"filters": {"conjunction": "and", "items": items}, "ordering": ordering})


def tab_of_batch(batch_id: str) -> str:
    """Return the ``tab`` of an address that opens the Data Manager on a batch alone.

    Such a tab is in the address and nowhere else: its state as JSON, deflated, in base64 for addresses without padding.

    Examples
    --------
    >>> tab_of_batch("b").startswith("eJ")
    True
    """
    state = {
        "title": batch_id,
        "filters": {"conjunction": "and", "items": [of_batch(batch_id)]},
        "ordering": [],
        "type": "list",
    }
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(state).encode()))
    return packed.decode().rstrip("=")
