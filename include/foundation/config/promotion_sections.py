"""The sections of a loop file about a challenger's way: how it is judged, who signs it off, and how it is watched once live."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from include.foundation.config.data_sections import Source
from include.foundation.config.sections import Identifier, Place, Rate, Section, Share, Text

Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Approver(Section):
    """A user of Airflow who may sign a deployment off."""

    id: Text
    """Id of the user, as Airflow's auth manager knows it."""
    name: Text
    """Name shown beside the approval."""


class Gate(Section):
    """What a challenger must show."""

    score: Literal["accuracy", "balanced_accuracy"] = "accuracy"
    """What the gate bets on: a mean of bounded per-row scores."""
    rule: Literal["superior", "non_inferior"] = "superior"
    """Better by more than ``margin``, or not worse by more than ``margin``."""
    margin: Share = 0.0
    """Difference of scores that the rule refers to."""
    error_budget: Rate = 0.05
    """How often the gate may be wrong, as ``guarantee`` says, and the guard over the life of a version."""
    guarantee: Literal["share", "never"] = "share"
    """What ``error_budget`` bounds. *share*: the expected share, among all promotions of challengers, of those that do not
    satisfy the rule; while there is nothing better to find, that is the same as *never*. *never*: the probability, over the
    loop's whole life, of ever promoting one that does not; later challengers then need more labels."""
    floor: Share = 0.5
    """Share of a perfect model's score. The first model is held, as any challenger, against what the logs say was served, and
    must not be shown to score below this. While no row that was served has a label, the lower end of its interval must exceed
    it."""
    slices: list[Identifier] = Field(default_factory=list)
    """Segments on which the challenger must not be shown to be worse."""
    inconclusive_slices: Literal["allow", "block"] = "allow"
    """Whether a challenger may be promoted while a slice has too few rows on which the two models differ to tell whether it is
    worse there. With *block* more labels are asked for, as for an undecided challenger, and then it is rejected."""
    approval: Literal["required", "auto"] = "required"
    """Whether a person must approve a deployment."""
    approval_hours: float = Field(default=72, gt=0, le=24 * 366)
    """Hours a person has; no answer means no."""
    approvers: list[Approver] = Field(default_factory=list)
    """Users who may sign a deployment off; none means everyone whose role in Airflow allows it."""
    evidence_days: int = Field(default=28, ge=1, le=3660)
    """Days of logs, up to a challenger's first judgement, that are evidence: labels are asked for those of their rows on which
    it and the champion disagree, and their random rows count. Where accuracy was shown to have dropped in these days, they are
    those since the drop."""
    max_rounds: int = Field(default=10, ge=1, le=100)
    """How often more labels are asked for before an undecided challenger is rejected. It is rejected earlier where the labels
    that may still be asked for would most probably not be enough."""
    max_labels_per_round: int = Field(default=100, ge=1, le=100_000)
    """Most labels asked for in one such round. The first rounds ask for few: a challenger that is no better costs little."""
    max_labels: int = Field(default=500, ge=1, le=10_000_000)
    """Most labels asked for on one challenger, in all rounds."""


class GitOps(Section):
    """Where a GitOps tool, such as Argo CD, learns which version each environment is to serve."""

    repository: Text | None = None
    """Folder with a folder for each environment, in which ``<loop>.json`` names version, model URI and digest of the model's
    files. If it is a git working copy, each change is a commit. None writes nothing."""
    push: bool = False
    """Whether the working copy's branch follows that of ``origin``, and commits are pushed there, with the credentials that
    are in the remote's address or that ssh has. The working copy is then the loops' own: what the remote does not have is
    dropped."""
    production: Environment = "production"
    """Folder of what is live: deployments and rollbacks."""
    before_production: list[Environment] = Field(default_factory=list)
    """Folders of environments that a promoted challenger goes through first: the first at once, each further one, and then
    production, after a person approved it (``gate.approval``)."""


class Shadow(Section):
    """What a challenger must show on live requests, while the champion answers them, before the gate promotes it."""

    uri: Place | None = None
    """Folder of JSONL files of what challengers said of live requests, as docs/edges.md has it; the gateway writes them."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the live requests that the gateway asks a challenger about as well; the trace id decides which."""
    requests: int = Field(default=1000, ge=1, le=10_000_000)
    """Live requests that a challenger is judged by at least."""
    max_failures: Share = 0.01
    """Largest share of them on which it may fail. It is refused if more is shown, or if less is not by ten times as many."""
    max_skew: Share = 0.01
    """The same for the share on which its live answer is not what it says of the row as it is stored (serving skew)."""

    @property
    def source(self) -> Source:
        """Where what challengers said is read from."""
        return Source(uri=self.uri)


class Canary(Section):
    """How a promoted version is served to ever more callers before it is live."""

    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1, 0.25, 0.5, 1.0], min_length=2)
    """Share of the callers in each step, the last 1.0: then it is live. A hash of ``source_id`` decides who is among them, and
    of the trace id where a request has none."""
    step_hours: float = Field(default=72, gt=0, le=24 * 366)
    """Hours that a step lasts at least. Labels stop a canary that is worse only if they come back before it is live."""
    requests: int = Field(default=200, ge=1, le=10_000_000)
    """Requests that it must have answered in a step before the next one begins."""
    max_failures: Share = 0.01
    """How much larger than the champion's the share of requests may be on which it fails; it is stopped if more is shown."""


class Deploy(Section):
    """How a promoted model goes live, and what it promises."""

    strategy: Literal["alias", "shadow", "canary"] = "alias"
    """*alias* moves the registry alias ``champion`` once a challenger is promoted and approved. *shadow* does the same, but a
    challenger is promoted only after it was asked about live requests, whose answers nobody is given. *canary* lets the gateway
    serve a promoted and approved version to a share of the callers first, and the guard advances or stops it."""
    shadow: Shadow = Field(default_factory=Shadow)
    """What *shadow* asks for."""
    canary: Canary = Field(default_factory=Canary)
    """How *canary* goes on."""
    watch_days: int = Field(default=7, ge=1, le=366)
    """Days of logs after which people are told that there is still no row to judge the model by; it is watched for life."""
    max_drop: Share = 0.02
    """How much a model may score below its predecessor on the same rows before it is rolled back, and below its promise before
    that is told; of a perfect model's score."""
    gitops: GitOps = Field(default_factory=GitOps)
    """What tells each environment which version to serve."""
    comparison_labels: int = Field(default=30, ge=0, le=100_000)
    """Most labels a day asked for where the live model and its predecessor differ; an eighth of them without a suspicion."""
