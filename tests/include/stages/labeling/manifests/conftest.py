from pathlib import Path

import pytest

from include.foundation.store.objects.s3_objects import client_options
from tests.builders import make_loop
from tests.include.stages.labeling.manifests.job_section import JOB
from tests.include.stages.labeling.platforms import OfManifests
from tests.include.stages.logs.s3_server import BUCKET


@pytest.fixture
def with_jobs(tmp_path: Path, s3_options: dict[str, str]) -> OfManifests:
    """The manifests backend on S3 that creates labeling jobs."""
    place = {"uri": f"s3://{BUCKET}/{tmp_path.name}/labeling", "connection": "aws", "job": JOB}
    return OfManifests(make_loop(tmp_path, labeling={"backend": "manifests", **place}), client_options(s3_options))


@pytest.fixture
def vendor(tmp_path: Path) -> OfManifests:
    """The manifests backend in a folder."""
    return OfManifests(make_loop(tmp_path, labeling={"backend": "manifests"}), {})
