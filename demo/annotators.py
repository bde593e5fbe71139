"""Three simulated annotators, one of them careless. They know the truth; the loop sees only their answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of

ERROR_RATES = {"ada": 0.03, "ben": 0.06, "cleo": 0.2}
REVIEWERS = {"dora": 0.01}  # who decides what these cannot


@dataclass
class Annotators:
    """Answer the request files of the ``files`` backend.

    Parameters
    ----------
    loop
        Names the folders of requests and answers, and the classes.
    truth
        The true class of each trace id.
    """

    loop: Loop
    truth: Mapping[str, str]

    def answer_open(self) -> int:
        """Let every annotator answer the requests that they have not answered yet, and return how many answers were given.

        An answer depends on the request and the annotator only. They are written at once, in complete lines.
        """
        folder = Path(resolve(self.loop.labeling.uri or f"data/{self.loop.name}/labeling"))
        requests = [
            json.loads(line)
            for path in sorted((folder / "requests").glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        answer_count = 0
        for name in ERROR_RATES | REVIEWERS:
            path = folder / "answers" / f"{name}.jsonl"
            answered = _answered(path)
            lines = [
                self._answer(name, item["request_id"], item["trace_id"])
                for item in requests
                if item["request_id"] not in answered and (item["tier"] == FIRST_TIER) == (name in ERROR_RATES)
            ]
            if lines:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write("".join(json.dumps(line) + "\n" for line in lines))
            answer_count += len(lines)
        return answer_count

    def says(self, annotator: str, request_id: str, trace_id: str) -> str:
        """Return an annotator's answer: the true class or, at the annotator's error rate, a wrong one.

        Parameters
        ----------
        annotator
            A name in `ERROR_RATES` or `REVIEWERS`.
        request_id, trace_id
            The request, and the row that it asks about.
        """
        truth = self.truth[trace_id]
        if uniform("errs", annotator, request_id) >= (ERROR_RATES | REVIEWERS)[annotator]:
            return truth
        wrong = [name for name in self.loop.task.classes if name != truth]
        return wrong[int(uniform("which", annotator, request_id) * len(wrong))]

    def _answer(self, annotator: str, request_id: str, trace_id: str) -> dict[str, object]:
        return {
            "request_id": request_id,
            "annotator": annotator,
            "label": self.says(annotator, request_id, trace_id),
            "lead_time_seconds": round(2 + 20 * uniform("time", annotator, request_id), 1),
            "created_at": datetime.now(UTC).isoformat(),
        }


def _answered(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    return {json.loads(line)["request_id"] for line in path.read_text(encoding="utf-8").splitlines()}


def uniform(*parts: str) -> float:
    """Return a number from 0 to 1 that depends on the parts only."""
    return int(digest_of(*parts)[:12], 16) / float(16**12)
