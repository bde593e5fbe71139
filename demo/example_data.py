"""Examples: labeled texts or pictures that the demo serves."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Example:
    """One labeled text or picture; ``input`` is what a log line has under that key."""

    input: dict[str, Any]
    label: str

    @property
    def size(self) -> float:
        """Number of characters of a text, or mean of a vector."""
        value = next(iter(self.input.values()))
        return float(len(value)) if isinstance(value, str) else float(np.mean(value))
