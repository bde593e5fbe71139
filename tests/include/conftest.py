from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore
from tests.include.stages.logs.s3_server import BUCKET
from tests.include.stages.training.challenger_builders import fitted, make_label_store, registry_in


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_label_store(tmp_path)


@pytest.fixture
def registry(tmp_path: Path, store: LoopStore, mlflow_template: Path) -> ModelRegistry:
    return registry_in(tmp_path / "mlflow", store.loop, mlflow_template)


@pytest.fixture
def estimator(store: LoopStore) -> Any:
    """A fitted model of the text loop."""
    return fitted(store)


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict[str, str]]:
    """Options, as ``deltalake`` takes them, of an S3 server on loopback with one bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint, key, region = f"http://{host}:{port}", ("test", "test-secret"), "us-east-1"
    client = boto3.client("s3", region, endpoint_url=endpoint, aws_access_key_id=key[0], aws_secret_access_key=key[1])
    client.create_bucket(Bucket=BUCKET)
    yield {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key[0],
        "AWS_SECRET_ACCESS_KEY": key[1],
        "AWS_REGION": region,
        "AWS_ALLOW_HTTP": "true",
        "AWS_CONDITIONAL_PUT": "etag",
    }
    server.stop()
