"""Labeling jobs against botocore's Stubber, which holds requests and answers to Ground Truth's own API model."""

import pytest
from botocore.stub import ANY, Stubber

from include.foundation.config.labeling_section import LabelingJob
from include.foundation.errors import ConfigError, LabelingError
from include.stages.labeling.manifests.labeling_jobs import LabelingJobs
from include.stages.labeling.manifests.manifests_backend import ManifestsBackend
from tests.builders import make_loop
from tests.include.stages.labeling.manifests.job_section import JOB
from tests.include.stages.labeling.platforms import ask

ANY_JOB = {"LabelAttributeName": "label"} | dict.fromkeys(
    ("LabelingJobName", "InputConfig", "OutputConfig", "RoleArn", "LabelCategoryConfigS3Uri", "HumanTaskConfig"), ANY
)
URI, ARN = "s3://loops/wire/requests/a.manifest", "arn:aws:sagemaker:eu-west-1:123456789012:labeling-job/a"
OPTIONS = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "endpoint_url": "http://s3.example.org",
}


def jobs_of(tmp_path, overlap=3, tiers=(), **keys):
    loop = make_loop(
        tmp_path,
        labeling={
            "backend": "manifests", "uri": "s3://loops/wire", "connection": "aws", "overlap": overlap, "job": JOB | keys,
        },
        escalation={"tiers": list(tiers)},
    )  # fmt: skip
    return LabelingJobs(loop, LabelingJob(**JOB | keys), OPTIONS)


@pytest.fixture
def jobs(tmp_path):
    return jobs_of(tmp_path)


@pytest.fixture
def stubbed(jobs):
    with Stubber(jobs.client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def described(stubber, name, status, uri=URI, **more):
    answer = {
        "LabelingJobStatus": status,
        "LabelCounters": {},
        "CreationTime": 0,
        "LastModifiedTime": 0,
        "JobReferenceCode": "x",
        "LabelingJobName": name,
        "LabelingJobArn": ARN,
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": uri}}},
        "OutputConfig": {"S3OutputPath": "s3://loops/wire/answers/"},
        "RoleArn": JOB["role_arn"],
        "HumanTaskConfig": {
            "WorkteamArn": JOB["workteam_arn"],
            "UiConfig": {},
            "TaskTitle": "t",
            "TaskDescription": "d",
            "NumberOfHumanWorkersPerDataObject": 3,
            "TaskTimeLimitInSeconds": 600,
        },
        **more,
    }
    stubber.add_response("describe_labeling_job", answer, {"LabelingJobName": name})


def missing(stubber, name, code="ResourceNotFound"):
    stubber.add_client_error(
        "describe_labeling_job",
        service_error_code=code,
        service_message="Requested resource not found.",
        expected_params={"LabelingJobName": name},
    )


def create(jobs, tier=1):
    jobs.create("a", URI, "s3://loops/wire/requests/a.labels.json", "s3://loops/wire/answers/", tier)


def test_job_is_created_as_the_loop_file_says(tmp_path):
    jobs = jobs_of(
        tmp_path,
        tiers=[{"name": "expert", "overlap": 2, "deadline_hours": 240, "workteam_arn": f"{JOB['workteam_arn']}s"}],
        pre_human_task_lambda_arn="arn:aws:lambda:eu-west-1:123456789012:function:pre",
        annotation_consolidation_lambda_arn="arn:aws:lambda:eu-west-1:123456789012:function:post",
        task_title="Route",
        task_description="Choose the desk.",
        task_time_limit_seconds=90,
        price_usd=1.036,
    )
    expected = {
        "LabelingJobName": "a",
        "LabelAttributeName": "label",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": URI}}},
        "OutputConfig": {"S3OutputPath": "s3://loops/wire/answers/"},
        "RoleArn": JOB["role_arn"],
        "LabelCategoryConfigS3Uri": "s3://loops/wire/requests/a.labels.json",
        "HumanTaskConfig": {
            "WorkteamArn": f"{JOB['workteam_arn']}s",
            "UiConfig": {"UiTemplateS3Uri": JOB["ui_template_s3_uri"]},
            "PreHumanTaskLambdaArn": "arn:aws:lambda:eu-west-1:123456789012:function:pre",
            "AnnotationConsolidationConfig": {
                "AnnotationConsolidationLambdaArn": "arn:aws:lambda:eu-west-1:123456789012:function:post"
            },
            "TaskTitle": "Route",
            "TaskDescription": "Choose the desk.",
            "NumberOfHumanWorkersPerDataObject": 2,
            "TaskTimeLimitInSeconds": 90,
            "TaskAvailabilityLifetimeInSeconds": 240 * 3600,
            "PublicWorkforceTaskPrice": {"AmountInUsd": {"Dollars": 1, "Cents": 3, "TenthFractionsOfACent": 6}},
        },
    }
    with Stubber(jobs.client) as stubber:
        stubber.add_response("create_labeling_job", {"LabelingJobArn": ARN}, expected)
        create(jobs, tier=2)
        stubber.assert_no_pending_responses()


def test_first_tier_is_the_workteam_of_the_job(jobs, stubbed):
    stubbed.add_response("create_labeling_job", {"LabelingJobArn": ARN}, ANY_JOB)
    sent = []
    jobs.client.meta.events.register("provide-client-params.*", lambda params, **_: sent.append(params))
    create(jobs)
    assert sent[0]["HumanTaskConfig"]["WorkteamArn"] == JOB["workteam_arn"]
    assert not {"PublicWorkforceTaskPrice", "PreHumanTaskLambdaArn"} & set(sent[0]["HumanTaskConfig"])


def test_job_that_is_there_is_created_once(jobs, stubbed):
    stubbed.add_client_error("create_labeling_job", service_error_code="ResourceInUse", service_message="it exists")
    create(jobs)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ResourceLimitExceeded", "quota"),
        ("ValidationException", "mend labeling.job"),
        ("AccessDeniedException", "credentials of connection aws"),
        ("InternalFailure", "run the task again"),
    ],
)
def test_what_is_refused_says_what_to_do(jobs, stubbed, code, remedy):
    stubbed.add_client_error("create_labeling_job", service_error_code=code, service_message="no", http_status_code=400)
    with pytest.raises(LabelingError, match=rf"(?s)Labeling job a cannot be created.*{remedy}"):
        create(jobs)


@pytest.mark.parametrize("code", ["ResourceNotFound", "ValidationException"])
def test_no_job_is_none(jobs, stubbed, code):
    missing(stubbed, "a", code)
    assert not jobs.is_there("a", URI)


@pytest.mark.parametrize("status", ["Initializing", "InProgress", "Completed"])
def test_job_that_works_is_there(jobs, stubbed, status):
    described(stubbed, "a", status)
    assert jobs.is_there("a", URI)


@pytest.mark.parametrize("status", ["Failed", "Stopping", "Stopped"])
def test_dead_job_is_an_error_that_names_the_reason_and_its_successor(jobs, stubbed, status):
    described(stubbed, "a", status, FailureReason="the role may not read the bucket")
    missing(stubbed, "a-2")
    with pytest.raises(
        LabelingError, match=rf"a: {status}: the role may not read the bucket; mend it and start it again as a-2"
    ):
        jobs.is_there("a", URI)


def test_job_that_was_started_again_takes_the_place_of_a_dead_one(jobs, stubbed):
    described(stubbed, "a", "Failed")
    described(stubbed, "a-2", "Stopped")
    described(stubbed, "a-3", "InProgress")
    assert jobs.failure("a", URI) is None


def test_last_of_several_dead_jobs_is_told(jobs, stubbed):
    described(stubbed, "a", "Failed", FailureReason="one")
    described(stubbed, "a-2", "Failed", FailureReason="two")
    missing(stubbed, "a-3")
    assert "a-2: Failed: two; mend it and start it again as a-3" in str(jobs.failure("a", URI))


def test_name_that_another_installation_took_is_an_error(jobs, stubbed):
    described(stubbed, "a", "InProgress", uri="s3://others/a.manifest")
    missing(stubbed, "a-2")
    with pytest.raises(LabelingError, match=r"is on s3://others/a\.manifest, expected s3://loops"):
        jobs.is_there("a", URI)


def test_endpoint_of_s3_is_not_that_of_the_jobs_and_a_region_is_needed(tmp_path, jobs):
    assert jobs.client.meta.endpoint_url == "https://api.sagemaker.eu-west-1.amazonaws.com"
    without = LabelingJobs(jobs.loop, jobs.job, {})
    with pytest.raises(ConfigError, match="Connection aws: no region_name"):
        _ = without.client


def test_push_creates_the_job_on_its_manifest_and_finds_it_again(with_jobs):
    backend, requests = with_jobs.backend, [ask(1), ask(2)]
    with Stubber(backend.jobs.client) as stubber:
        stubber.add_response("create_labeling_job", {"LabelingJobArn": ARN}, ANY_JOB)
        backend.push(requests)
        name = with_jobs.job
        described(stubber, name, "InProgress", uri=f"{with_jobs.uri}/requests/{name}.manifest")
        assert set(backend.existing(requests)) == {"r1", "r2"}
        missing(stubber, name)  # killed between the manifest and the job
        assert backend.existing(requests) == {}
        stubber.add_response("create_labeling_job", {"LabelingJobArn": ARN}, ANY_JOB | {"LabelingJobName": name})
        backend.push(requests)
        stubber.assert_no_pending_responses()
    assert with_jobs.job == name


def test_answers_tell_of_a_dead_job_while_it_is_waited_for(with_jobs):
    backend, labeling = with_jobs.backend, with_jobs.loop.labeling
    with Stubber(backend.jobs.client) as stubber:
        stubber.add_response("create_labeling_job", {"LabelingJobArn": ARN}, ANY_JOB)
        backend.push([ask(1)])
        described(stubber, with_jobs.job, "Failed", uri=f"{with_jobs.uri}/requests/{with_jobs.job}.manifest")
        missing(stubber, f"{with_jobs.job}-2")
        (failure,) = backend.answers({}, {}).failed
        assert with_jobs.job in failure.message
        assert failure.request_ids == ["r1"]
        stubber.assert_no_pending_responses()
    over = {"labeling": labeling.model_copy(update={"deadline_hours": 1e-9})}
    late = ManifestsBackend(with_jobs.loop.model_copy(update=over), with_jobs.aws)
    with Stubber(late.jobs.client):
        assert late.answers({}, {}).failed == []
