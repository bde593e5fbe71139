"""Examples: labeled texts or pictures that the demo serves."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

FAINT = 0.7  # of the ink of a picture


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

    def fainter(self) -> "Example":
        """Return a picture as a scanner with a weaker lamp sees it; a text as it is."""
        faint = {
            name: value if isinstance(value, str) else (FAINT * np.asarray(value)).tolist()
            for name, value in self.input.items()
        }
        return replace(self, input=faint)
