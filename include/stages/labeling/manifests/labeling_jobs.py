"""Labeling jobs of SageMaker Ground Truth on the manifests that are pushed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from include.foundation.config.labeling_section import LabelingJob
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, LabelingError
from include.foundation.store.objects.object_store import DENIED

LABEL = "label"  # attribute that a job fills
DEAD = ("Failed", "Stopping", "Stopped")
MOST_STARTS = 100
REMEDIES = {
    "ResourceLimitExceeded": "stop jobs that nobody needs or have the quota raised, and clear the task",
    "ValidationException": "mend labeling.job in the loop file",
}


class LabelingJobs:
    """Create labeling jobs, each once, and notice those that have failed.

    Parameters
    ----------
    loop
        Its ``labeling.job`` says how.
    job
        That section.
    aws_options
        Credentials and region as ``boto3.client`` takes them; the endpoint in it is that of S3.
    """

    def __init__(self, loop: Loop, job: LabelingJob, aws_options: Mapping[str, Any]) -> None:
        self.loop = loop
        self.job = job
        self._options = {name: value for name, value in aws_options.items() if name != "endpoint_url"}

    @cached_property
    def client(self) -> Any:
        """The client of SageMaker.

        Raises
        ------
        ConfigError
            If the connection names no region.
        """
        import boto3
        from botocore.config import Config

        if "region_name" not in self._options:
            raise ConfigError(
                f"Connection {self.loop.labeling.connection}: no region_name in its extra, which labeling jobs need"
            )
        patient = Config(retries={"max_attempts": 8, "mode": "standard"}, connect_timeout=10, read_timeout=60)
        return boto3.client("sagemaker", config=patient, **self._options)

    def is_there(self, name: str, manifest_uri: str) -> bool:
        """Tell whether there is a job on a manifest.

        Parameters
        ----------
        name
            Of the manifest, and so of the job.
        manifest_uri
            Where the manifest lies.

        Raises
        ------
        LabelingError
            If the job, and each that was started in its place, has failed or was stopped; or if it is on another manifest.
        """
        job, failure = self._last_start(name, manifest_uri)
        if failure:
            raise LabelingError(failure)
        return job is not None

    def failure(self, name: str, manifest_uri: str) -> str | None:
        """Return why no answers will come from the job on a manifest, and what to do; None if they may come.

        Parameters
        ----------
        name
            Of the manifest, and so of the job.
        manifest_uri
            Where the manifest lies.
        """
        return self._last_start(name, manifest_uri)[1]

    def _last_start(self, name: str, manifest_uri: str) -> tuple[dict[str, Any] | None, str | None]:
        """Return the job on a manifest, or the last of those in its place, None if there is none; and why it is dead."""
        last, failure = self._described(name), None
        job = last
        for start in range(2, MOST_STARTS):
            if job is None:
                break
            last, failure = job, self._failure(job, manifest_uri, f"{name}-{start}")
            job = self._described(f"{name}-{start}") if failure else None
        return last, failure

    def _failure(self, job: Mapping[str, Any], manifest_uri: str, successor: str) -> str | None:
        name, own = (
            job["LabelingJobName"],
            job["InputConfig"]["DataSource"].get("S3DataSource", {}).get("ManifestS3Uri"),
        )
        if own != manifest_uri:
            taken = "the name is taken, perhaps by another installation of the loop: rename the loop there or here"
            return f"Labeling job {name}: is on {own}, expected {manifest_uri}; {taken}"
        if job["LabelingJobStatus"] not in DEAD:
            return None
        why = job.get("FailureReason") or "no reason is given"
        again = f"start it again as {successor}, on the same manifest and output path (SageMaker console: Labeling jobs, Clone)"
        return f"Labeling job {name}: {job['LabelingJobStatus']}: {why}; mend it and {again}"

    def create(self, name: str, manifest_uri: str, labels_uri: str, output_uri: str, tier: int) -> None:
        """Create the job on a manifest, unless there is one of its name.

        Parameters
        ----------
        name
            Of the job.
        manifest_uri, labels_uri, output_uri
            Where the manifest and the label categories lie, and below what the answers will.
        tier
            Who is asked.
        """
        request = {
            "LabelingJobName": name,
            "LabelAttributeName": LABEL,
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": manifest_uri}}},
            "OutputConfig": {"S3OutputPath": output_uri},
            "RoleArn": self.job.role_arn,
            "LabelCategoryConfigS3Uri": labels_uri,
            "HumanTaskConfig": self._human_task(tier),
        }
        with self._told(name, "cannot be created", passing="ResourceInUse"):
            self.client.create_labeling_job(**request)

    def _human_task(self, tier: int) -> dict[str, Any]:
        job = self.job
        task = {
            "WorkteamArn": self.loop.tier(tier).workteam_arn or job.workteam_arn,
            "UiConfig": {"UiTemplateS3Uri": job.ui_template_s3_uri},
            "TaskTitle": job.task_title or f"{self.loop.name}: choose a class"[:128],
            "TaskDescription": job.task_description or " ".join(self.loop.description.split())[:255],
            "NumberOfHumanWorkersPerDataObject": self.loop.tier(tier).overlap,
            "TaskTimeLimitInSeconds": job.task_time_limit_seconds,
            "TaskAvailabilityLifetimeInSeconds": max(60, round(self.loop.patience(tier).total_seconds())),
        }
        if job.pre_human_task_lambda_arn:
            task["PreHumanTaskLambdaArn"] = job.pre_human_task_lambda_arn
        if job.annotation_consolidation_lambda_arn:
            arn = job.annotation_consolidation_lambda_arn
            task["AnnotationConsolidationConfig"] = {"AnnotationConsolidationLambdaArn": arn}
        if job.price_usd is not None:
            tenths = round(job.price_usd * 1000)
            amount = {
                "Dollars": tenths // 1000,
                "Cents": tenths // 10 % 100,
                "TenthFractionsOfACent": tenths % 10,
            }
            task["PublicWorkforceTaskPrice"] = {"AmountInUsd": amount}
        return task

    def _described(self, name: str) -> dict[str, Any] | None:
        """Return what there is to know of a job; None if there is none."""
        jobs: list[dict[str, Any]] = []
        with self._told(name, "cannot be asked for", passing="ResourceNotFound"):
            jobs.append(self.client.describe_labeling_job(LabelingJobName=name))
        return next(iter(jobs), None)

    @contextmanager
    def _told(self, name: str, problem: str, passing: str) -> Iterator[None]:
        """Turn what AWS refuses into an error that says what to do; one kind of refusal is as good as success."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code, text = error.response["Error"].get("Code", ""), str(error)
            if code == passing or (passing == "ResourceNotFound" and "not found" in text.lower()):
                return
            denied = f"let the credentials of connection {self.loop.labeling.connection} do it"
            remedy = denied if any(known in code for known in DENIED) else REMEDIES.get(code, "run the task again")
            raise LabelingError(f"Labeling job {name} {problem}: {text}; {remedy}") from error
        except BotoCoreError as error:
            raise LabelingError(f"Labeling job {name} {problem}: {error}; run the task again") from error
