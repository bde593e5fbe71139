"""What one gateway process is told: on the command line, or in variables of the environment that begin with ``GATEWAY_``."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.log_writer import LogPolicy
from include.foundation.config.loading import ROOT
from include.foundation.config.sections import Place

LARGEST_BODY_KB = 2048  # of which a log line is at most 12 MiB, and pulls read lines of 16 MiB


def _is_given(loops: list[str]) -> list[str]:
    if not loops:
        raise ValueError("name at least one loop")
    return sorted(set(loops))


class Settings(BaseSettings):
    """Settings of a gateway process; those of a loop are in its loop file."""

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_", use_attribute_docstrings=True, extra="forbid", frozen=True, cli_kebab_case=True,
        cli_hide_none_type=True, cli_avoid_json=True, cli_prog_name="python -m gateway", cli_implicit_flags=True,
    )  # fmt: skip

    loops: Annotated[list[str], NoDecode, AfterValidator(_is_given)]
    """Names of the loops that are served, with commas between them."""
    store: Place = str(ROOT / "data" / "store")
    """Where the loops' tables are: the ``uri`` of the connection feedback_store; credentials of s3:// in AWS_… variables."""
    mlflow: str = f"sqlite:///{ROOT}/data/mlflow/mlflow.db"
    """Tracking uri of MLflow: http(s)://… or sqlite:///…; it is needed to load a new version only."""
    host: str = "127.0.0.1"
    """Address to listen on. Any other than loopback needs ``keys``."""
    port: int = Field(default=8090, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    keys: Path | None = None
    """File of the keys' digests, as ``python -m gateway.make_key`` writes it; it is read again when it changes."""
    webhooks: Path | None = None
    """File of secrets that sign webhooks, as ``make_key --webhook`` writes it; it is read again when it changes, too."""
    page: bool = False
    """Whether ``/`` is a page on which people try the models and report what is wrong; not for production."""
    state: Path = Path("data/gateway")
    """Folder of copies of model files; one gateway has it for itself."""
    sync: Literal["always", "interval", "none"] = "always"
    """When log lines are synced to the disk: before each answer, every ``sync_seconds``, or when the system does."""
    sync_seconds: float = Field(default=1.0, gt=0, le=60)
    """Seconds between syncs, of ``interval``: a machine that loses power loses at most the answers of that time."""
    segment_seconds: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds after which a file of log lines is complete and can be pulled."""
    segment_mb: int = Field(default=64, ge=1, le=1024)
    """Size at which it is, in MiB, if that comes first."""
    deadline_seconds: float = Field(default=2.0, gt=0, le=300)
    """Seconds in which a request is answered, or refused with 429 or 503."""
    most_batch_rows: int = Field(default=256, ge=1, le=100_000)
    """Most rows that are scored together."""
    most_pending_rows: int = Field(default=2048, ge=1, le=1_000_000)
    """Most rows of a loop that may wait or be scored; requests beyond are refused with 429."""
    most_requests: int = Field(default=256, ge=1, le=100_000)
    """Most requests that are answered at a time; those beyond are refused with 429 before they are read."""
    most_body_kb: int = Field(default=1024, ge=1, le=LARGEST_BODY_KB)
    """Largest body of a request, in KiB; larger ones are refused with 413."""
    follow_seconds: float = Field(default=2.0, gt=0, le=3600)
    """Seconds between looks at which version is live."""

    replay: bool = False
    """Whether clients say when a row was asked and what its trace id is, so that past days are played through a model. On
    loopback only."""

    @field_validator("loops", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given

    @property
    def policy(self) -> LogPolicy:
        """Of the logs."""
        return LogPolicy(self.sync, self.sync_seconds, self.segment_seconds, self.segment_mb << 20)

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can send requests."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
