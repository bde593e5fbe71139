"""The manifests that are pushed: one for each batch and tier, named by its content, so that it is written once in effect."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import NoSuchFileError
from include.foundation.lines.fields import read_id
from include.foundation.lines.values import json_line, parse_object
from include.foundation.store.objects.object_store import ObjectStore
from include.stages.labeling.backend_contract import LabelRequest
from include.stages.labeling.manifests.manifest_lines import manifest_line, readable

SUFFIX = ".manifest"
LABELS = ".labels.json"
VERSION = "2018-11-28"  # of Ground Truth's files of label categories
LONGEST_STEM = 40  # of the loop's name in that of a manifest: names of labeling jobs have 63 characters


class ManifestBatches:
    """Write manifests of requests into a folder, and read them.

    Parameters
    ----------
    loop
        Whose requests they are.
    folder
        A folder of this machine, or ``s3://bucket/prefix``.
    objects
        What writes there.
    """

    def __init__(self, loop: Loop, folder: str, objects: ObjectStore) -> None:
        self.loop = loop
        self.folder = folder
        self.objects = objects

    def uri(self, name: str, suffix: str = SUFFIX) -> str:
        """Return where the manifest of a name lies, or what goes with it."""
        return f"{self.folder}/{name}{suffix}"

    def names(self, requests: Sequence[LabelRequest]) -> list[str]:
        """Return the names of the manifests that may have some of the requests."""
        written = self.objects.names_in(self.folder)
        stems = {f"{_stem(self.loop, request.batch_id, request.tier)}-" for request in requests}
        return [
            name.removesuffix(SUFFIX) for name in written if name.endswith(SUFFIX) and name.startswith(tuple(stems))
        ]

    def request_ids(self, name: str) -> list[str | None] | None:
        """Return the request of each line of a manifest; None if there is no such manifest."""
        try:
            content = self.objects.read(self.uri(name))
        except NoSuchFileError:
            return None
        return [read_id(parse_object(raw)[0] or {}, "request_id", []) for raw in content.splitlines()]

    def labels(self, name: str) -> list[str]:
        """Return the label categories of a manifest, in their order; none if it has none."""
        try:
            record, _ = parse_object(self.objects.read(self.uri(name, LABELS)))
        except NoSuchFileError:
            return []
        labels = (record or {}).get("labels")
        if not isinstance(labels, list) or not all(isinstance(each, dict) for each in labels):
            return []
        return [str(each.get("label")) for each in labels]

    def write(self, requests: Sequence[LabelRequest]) -> Iterator[tuple[str, list[LabelRequest]]]:
        """Write a manifest for each batch and tier, and yield its name and its requests.

        What a manifest needs is written before it, so that whoever sees it sees all.
        """
        ordered = sorted(requests, key=lambda each: (each.batch_id, each.tier, each.request_id))
        for (batch_id, tier), group in groupby(ordered, key=lambda each: (each.batch_id, each.tier)):
            batch = list(group)
            digest = digest_of([request.request_id for request in batch])[:8]
            name = f"{_stem(self.loop, batch_id, tier)}-{digest}"
            lines = [self._line(request) for request in batch]
            categories = {
                "document-version": VERSION,
                "labels": [{"label": label} for label in self.loop.task.classes],
            }
            self.objects.write(self.uri(name, LABELS), json_line(categories).encode())
            self.objects.write(self.uri(name), "".join(f"{line}\n" for line in lines).encode())
            yield name, batch

    def _line(self, request: LabelRequest) -> str:
        text_uri = f"{self.folder}/texts/{request.request_id}.txt"
        line = manifest_line(self.loop, request, text_uri)
        if "source-ref" in line:
            self.objects.write(text_uri, readable(self.loop, request).encode())
        return json_line(line)


def _stem(loop: Loop, batch_id: str, tier: int) -> str:
    own = loop.name.replace("_", "-")[:LONGEST_STEM].rstrip("-")
    return f"{own}-{digest_of(batch_id, tier)[:8]}"
