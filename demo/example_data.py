"""One labeled thing that the demo can serve."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Example:
    """One labeled document or picture; ``input`` is as a log line has it."""

    input: dict[str, Any]
    label: str

    @property
    def size(self) -> float:
        """How much there is of it: characters of a text, mean of a vector."""
        value = next(iter(self.input.values()))
        return float(len(value)) if isinstance(value, str) else float(np.mean(value))
