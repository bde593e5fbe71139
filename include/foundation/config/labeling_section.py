"""The section of a loop file about who labels, where, and for how long the loop waits."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from include.foundation.config.sections import ClassName, Place, Section, Share, Text

LambdaArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:\S+$", max_length=2048)
]


WorkteamArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:workteam/\S+$", max_length=256)
]


class LabelingJob(Section):
    """The labeling job of SageMaker Ground Truth that is created on each manifest; keys are named as its API names them."""

    role_arn: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")]
    """Role in whose name Ground Truth reads the manifest and writes the answers."""
    workteam_arn: WorkteamArn
    """Who works: a private team, a vendor's, or the public workforce."""
    ui_template_s3_uri: Annotated[str, StringConstraints(pattern=r"^s3://[^/\s]+/\S+$", max_length=1024)]
    """Template of the page on which a worker answers."""
    pre_human_task_lambda_arn: LambdaArn | None = None
    """Function that makes the template's input of a manifest's line; none means that the template takes it as it is."""
    annotation_consolidation_lambda_arn: LambdaArn | None = None
    """Function that makes one label of the workers' answers, which the loop reads only where it finds no answers."""
    task_title: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """What workers see in their list; none means a title with the loop's name."""
    task_description: Annotated[str, StringConstraints(pattern=r"^[^\r\n]+$", max_length=255)] | None = None
    """What they see below it; none means the loop's ``description``."""
    task_time_limit_seconds: int = Field(default=600, ge=30, le=8 * 3600)
    """Seconds that a worker has for one object."""
    price_usd: float | None = Field(default=None, ge=0, le=2.999)
    """US dollars that each answer of the public workforce costs, to a tenth of a cent; none for other teams."""


class Labeling(Section):
    """Who labels, and how long the loop waits."""

    backend: Literal["files", "label_studio", "manifests"] = "files"
    """Where requests are pushed."""
    uri: Place | None = None
    """Folder of the files and manifests backends (``requests/`` and ``answers/`` below it), for manifests also
    ``s3://bucket/prefix``; none means ``data/<loop>/labeling``."""
    connection: Text = "label_studio"
    """Airflow connection of the labeling platform; for manifests on S3 one of type ``aws``."""
    job: LabelingJob | None = None
    """The labeling job of Ground Truth that is created on each manifest; none leaves that to whoever takes the manifests."""
    project: Annotated[str, StringConstraints(min_length=3, max_length=50)] | None = None
    """Title of the project in Label Studio, which is made unless there is one; none means the loop's name."""
    config: Place | None = None
    """File with a labeling config of Label Studio, in place of the one that inputs and classes make. Its control ``<Choices
    name="label">`` has every class; it may show each input by its name, and ``$about``, a table of why a task is there."""
    instructions: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] | None = None
    """What annotators are told before they begin: in Label Studio, or as ``instructions.md`` beside the requests."""
    definitions: dict[ClassName, Annotated[str, StringConstraints(min_length=1, max_length=2000)]] = Field(
        default_factory=dict
    )
    """What each class means, ``{grain: "Wheat, corn and other crops"}``: part of the instructions, and shown at each choice."""
    examples: dict[ClassName, list[Annotated[str, StringConstraints(min_length=1, max_length=2000)]]] = Field(
        default_factory=dict
    )
    """Inputs that are clear examples of a class, ``{grain: ["Wheat exports fell"]}``: part of the instructions."""
    overlap: int = Field(default=3, ge=1, le=25)
    """Annotators asked for each request."""
    people: list[Text] | None = Field(default=None, min_length=1)
    """Annotators, as the platform names them (Label Studio by address, in small letters): requests say in turns who of them is
    asked, and only their answers count. None means everybody."""
    groups: dict[Text, list[Text]] = Field(default_factory=dict)
    """Groups of ``people``, ``{eu: [ada, ben], us: [cleo]}``: who is asked about a row is of as many of them as can be. About a
    tenth of the rows people are asked whatever their group, so that those of one group share rows, too. Who is of a small group
    is asked more often."""
    price_per_minute: float | None = Field(default=None, ge=0)
    """What a minute of these annotators costs, in any currency; none leaves their cost out."""
    quorum: Share = 0.9
    """Share of open requests that must be fully answered before waiting ends early."""
    deadline_hours: float = Field(default=72, gt=0, le=24 * 366)
    """Hours after which the wait ends, and the answers that have come in are used."""
    remind_hours: float = Field(default=24, gt=0, le=24 * 366)
    """Hours of waiting after which people are reminded, once a wait, by who is told of ``label_reminder``."""
    poll_seconds: float = Field(default=60, gt=0, le=86_400)
    """Seconds between two looks for answers; Label Studio can hint at new ones in between."""
    gold_share: Share = 0.0
    """Requests whose answer is known, as a share of the others, mixed in by ``observe`` so that nothing tells them apart: they
    show how often each annotator is right. Known is what a later tier decided, or three annotators said alike."""
    hidden_prelabel_share: Share = 0.1
    """Share of the certainty stratum's requests that show no pre-label, to measure anchoring; nor do those that may judge."""
    max_anchoring: Share = 0.05
    """How much higher the share of answers that are the pre-label may be where it is shown. Where it is shown to exceed this at
    some confidence, pre-labels up to it are hidden but for ``hidden_prelabel_share``. 1 never hides them for it."""
