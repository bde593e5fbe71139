"""The ``manifests`` backend: requests and answers are manifests of Ground Truth, in a folder or on S3, which vendors take."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.store.objects.opening import objects_at
from include.stages.labeling.answers_read import Mark
from include.stages.labeling.backend_contract import Answers, Failure, LabelRequest
from include.stages.labeling.instructions import instructions_text
from include.stages.labeling.manifests.labeling_jobs import LabelingJobs
from include.stages.labeling.manifests.manifest_answers import AnswerLook
from include.stages.labeling.manifests.manifest_batches import LABELS, SUFFIX, ManifestBatches
from include.stages.labeling.manifests.returned_files import returned_files


class ManifestsBackend:
    """Write a manifest for each batch into ``requests/``, and read what comes back below ``answers/``.

    Parameters
    ----------
    loop
        Its ``labeling.uri``, by default ``data/<loop>/labeling``, holds both folders; with ``labeling.job`` a labeling job is
        created on each manifest.
    aws_options
        Credentials, region and endpoint as ``boto3.client("s3")`` takes them; empty for a folder.
    """

    def __init__(self, loop: Loop, aws_options: Mapping[str, Any]) -> None:
        self.folder = resolve(loop.labeling.uri or f"data/{loop.name}/labeling").rstrip("/")
        self.loop = loop
        self._options = dict(aws_options)
        self.batches = ManifestBatches(loop, f"{self.folder}/requests", objects_at(self.folder, self._options))
        self.jobs = None if loop.labeling.job is None else LabelingJobs(loop, loop.labeling.job, self._options)

    def existing(self, requests: Sequence[LabelRequest]) -> dict[str, str]:
        """Return the manifest and line of each of these requests that was written, and has a job where one is made."""
        wanted, positions = {request.request_id for request in requests}, dict[str, str]()
        for name in self.batches.names(requests):
            if self.jobs is None or self.jobs.is_there(name, self.batches.uri(name)):
                ids = enumerate(self.batches.request_ids(name) or [], start=1)
                positions |= {each: f"{name}{SUFFIX}:{number}" for number, each in ids if each in wanted}
        return positions

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Write a manifest for each batch and tier, and create the job on it; again, they are the same manifest and job."""
        if told := instructions_text(self.loop):
            self.batches.objects.write(f"{self.folder}/instructions.md", told.encode())
        for name, batch in self.batches.write(requests):
            if self.jobs is not None:
                uris = self.batches.uri(name), self.batches.uri(name, LABELS), f"{self.folder}/answers/"
                self.jobs.create(name, *uris, batch[0].tier)

    def answers(self, requests: Mapping[str, str], read: Mapping[str, Mark]) -> Answers:
        """Read what is new below ``answers/``; what is no answer to one of the requests is refused with its reasons.

        Parameters
        ----------
        requests
            Trace ids by request id.
        read
            How far each file was read before; one that has changed since is read anew.
        """
        returned = returned_files(f"{self.folder}/answers", self._options)
        answers = AnswerLook(self.loop, self.batches, returned, self._options, requests, read).answers()
        answers.failed.extend(self._failures())
        return answers

    def _failures(self) -> Iterator[Failure]:
        """Yield what is wrong with the jobs that are still waited for."""
        if self.jobs is None:
            return
        longest = max(self.loop.patience(number) for number in range(1, len(self.loop.tiers) + 1))
        pushed = self.batches.objects.objects_in(self.batches.folder, re.compile(f"^[^/]+{re.escape(SUFFIX)}$"))
        for file in pushed or []:
            name = file.name.removesuffix(SUFFIX)
            is_waited_for = datetime.now(UTC) - file.written_at < longest
            if is_waited_for and (message := self.jobs.failure(name, self.batches.uri(name))):
                yield Failure(message, list(filter(None, self.batches.request_ids(name) or [])))
