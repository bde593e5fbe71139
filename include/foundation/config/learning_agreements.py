"""What the keys about learning must agree on: training, selection, labels, the gate and deployments."""

from collections.abc import Iterator

from include.foundation.config.data_agreements import Disagreement, repeated, set_by_hand
from include.foundation.config.escalation_agreements import escalation_disagreements, unsearchable
from include.foundation.config.labeling_agreements import labeling_disagreements
from include.foundation.config.loop_file import Loop
from include.foundation.config.operations import SECRETS
from include.foundation.config.sections import Rule
from include.foundation.errors import did_you_mean
from include.foundation.uris import is_remote, why_no_place

LONGEST_PARAMETER = 6000  # what MLflow keeps of one


def learning_disagreements(loop: Loop) -> Iterator[Disagreement]:
    """Yield the keys that each disagreement rests on, the one to show first, and a sentence."""
    yield from _training(loop)
    yield from labeling_disagreements(loop)
    yield from _labels(loop)
    for number, rule in enumerate(loop.labels.rules):
        yield from _rule(loop, f"labels.rules.{number}", rule)
    yield from escalation_disagreements(loop)
    yield from _retrain(loop)
    yield from _gate(loop)
    yield from _gitops(loop)
    yield from _shadow(loop)
    yield from _canary(loop)
    yield from _operations(loop)


def _training(loop: Loop) -> Iterator[Disagreement]:
    if set_by_hand(loop.training, "seed_holdout_share") and loop.training.seed_labels is None:
        yield ("training.seed_holdout_share", "training.seed_labels"), "has no effect without seed_labels"
    if loop.training.seed_labels is not None and loop.training.seed_holdout_share in (0, 1):
        share, missing = loop.training.seed_holdout_share, "train" if loop.training.seed_holdout_share else "judge"
        yield (
            ("training.seed_holdout_share",),
            f"got {share}, which leaves no seed label to {missing} the first model on",
        )
    for name, value in loop.training.params.items():
        if len(str(value)) > LONGEST_PARAMETER:
            text = f"got {len(str(value))} characters, expected at most {LONGEST_PARAMETER}, which MLflow keeps"
            yield (f"training.params.{name}",), text
        elif name in ("factory", "seed", "inputs"):
            yield (
                (f"training.params.{name}",),
                f"every factory is given the loop's {name} already; rename the parameter",
            )
    share = loop.selection.random_share
    if loop.selection.budget and share == 0:
        text = "got 0, which leaves no row to judge a model on: the gate and the guard look at random rows only"
        yield ("selection.random_share", "selection.budget"), text
    elif loop.selection.budget and share == 1:
        text = "got 1, which leaves no row to train on: random rows are never trained on"
        yield ("selection.random_share", "selection.budget"), text


def _gitops(loop: Loop) -> Iterator[Disagreement]:
    gitops = loop.deploy.gitops
    if gitops.repository is None:
        for name in set_by_hand(gitops, "push", "production", "before_production"):
            yield (
                (f"deploy.gitops.{name}", "deploy.gitops.repository"),
                "has no effect without deploy.gitops.repository",
            )
    elif why := why_no_place(gitops.repository) or ("it is a bucket" if is_remote(gitops.repository) else ""):
        yield ("deploy.gitops.repository",), f"{why}; expected a folder"
    for name in repeated([*gitops.before_production, gitops.production]):
        text = f"{name} is named twice; a challenger goes through each environment once"
        yield ("deploy.gitops.before_production", "deploy.gitops.production"), text


def _shadow(loop: Loop) -> Iterator[Disagreement]:
    keys, shadow = ("deploy.shadow.uri", "deploy.strategy"), loop.deploy.shadow
    if loop.deploy.strategy != "shadow":
        for name in set_by_hand(shadow, *type(shadow).model_fields):
            yield (f"deploy.shadow.{name}", "deploy.strategy"), "has no effect without strategy: shadow"
    elif shadow.uri is None:
        yield keys, "strategy shadow needs the folder of what challengers say of live requests"
    elif shadow.uri in {loop.logs.uri, loop.feedback.uri}:
        yield (
            keys,
            f"got {shadow.uri}, which is that of logs or feedback: what nobody was given would be read as served",
        )


def _canary(loop: Loop) -> Iterator[Disagreement]:
    shares = loop.deploy.canary.shares
    if loop.deploy.strategy != "canary":
        for name in set_by_hand(loop.deploy.canary, *type(loop.deploy.canary).model_fields):
            yield (f"deploy.canary.{name}", "deploy.strategy"), "has no effect without strategy: canary"
    if sorted(set(shares)) != shares or shares[-1] != 1:
        yield ("deploy.canary.shares",), f"got {shares}, expected shares that grow, the last one 1.0"


def _labels(loop: Loop) -> Iterator[Disagreement]:
    labels, overlap = loop.labels, loop.labeling.overlap
    keys = ("labels.min_confidence", "labels.consensus", "labeling.overlap")
    if labels.consensus == "dawid_skene" and labels.min_confidence == 1 and overlap > 1:
        yield keys, "got 1, which a probability of dawid_skene never reaches; use less, or consensus: majority"
    if set_by_hand(labels, "min_agreement") and overlap == 1:
        text = "has no effect with labeling.overlap 1: one annotator agrees with nobody"
        yield ("labels.min_agreement", "labeling.overlap"), text
    for name in set_by_hand(labels, "model_counts", "users_count"):
        if labels.consensus == "majority" or overlap == 1:
            text = "has no effect: a majority looks at answers alone"
            yield (f"labels.{name}", "labels.consensus", "labeling.overlap"), text
        elif name == "users_count" and not loop.feedback.given:
            yield (f"labels.{name}", "feedback"), "has no effect without feedback"
    for name in repeated(rule.name for rule in labels.rules):
        yield ("labels.rules",), f"two rules are called {name}; reasons name them, so give each its own name"


def _rule(loop: Loop, key: str, rule: Rule) -> Iterator[Disagreement]:
    yield from unsearchable(loop, key, rule.input, rule.when)
    yield from _sides(loop, key, rule)


def _sides(loop: Loop, key: str, rule: Rule) -> Iterator[Disagreement]:
    if (rule.allow is None) == (rule.deny is None):
        yield (key, f"{key}.allow", f"{key}.deny"), f"rule {rule.name}: give either allow or deny"
    for side in ("allow", "deny"):
        for label in getattr(rule, side) or []:
            if label not in loop.task.classes:
                near = did_you_mean(label, loop.task.classes)
                yield (f"{key}.{side}", "task.classes"), f"{label!r} is not one of task.classes{near}"
    if set(loop.task.classes) <= set(rule.deny or []):
        yield (f"{key}.deny", "task.classes"), "denies every class, so that no label would be possible"


def _retrain(loop: Loop) -> Iterator[Disagreement]:
    on_drift, usual = loop.retrain.min_new_labels_on_drift, loop.retrain.min_new_labels
    if on_drift > usual and set_by_hand(loop.retrain, "min_new_labels_on_drift"):
        text = f"{on_drift} is above min_new_labels, {usual}, so that drift would delay training"
        yield ("retrain.min_new_labels_on_drift", "retrain.min_new_labels"), text


def _gate(loop: Loop) -> Iterator[Disagreement]:
    gate = loop.gate
    if gate.rule == "non_inferior" and gate.margin == 0:
        text = "rule non_inferior needs a margin above 0; with margin 0 use rule superior"
        yield ("gate.margin", "gate.rule"), text
    if gate.floor == 1:
        yield ("gate.floor",), "got 1, above which no interval can be, so that no first model would go live"
    elif gate.rule == "superior" and gate.margin >= 1 - gate.floor:
        text = (
            f"{gate.margin:g} cannot be shown: the champion scores at least gate.floor, {gate.floor:g}, so that no model "
            f"is better by {1 - gate.floor:g} or more"
        )
        yield ("gate.margin", "gate.floor", "gate.rule"), text
    for name in set_by_hand(gate, "approvers", "approval_hours"):
        if gate.approval == "auto":
            yield (f"gate.{name}", "gate.approval"), "has no effect with approval: auto; nobody is asked"
    for name in repeated(approver.id for approver in gate.approvers):
        yield ("gate.approvers",), f"must be unique; listed more than once: {name}"


def _operations(loop: Loop) -> Iterator[Disagreement]:
    if loop.tasks.timeout_minutes > loop.tasks.long_timeout_minutes:
        text = f"{loop.tasks.timeout_minutes:g} is above long_timeout_minutes, {loop.tasks.long_timeout_minutes:g}"
        yield ("tasks.timeout_minutes", "tasks.long_timeout_minutes"), text
    for number, entry in enumerate(loop.notify):
        key = f"notify.{number}"
        if secret := [name for name in entry.params if name.lower().endswith(SECRETS)]:
            text = f"{', '.join(secret)} would keep a secret in the loop file; name an Airflow connection by its id"
            yield (f"{key}.params",), text
        for name in repeated(entry.events):
            yield (f"{key}.events",), f"must be unique; listed more than once: {name}"
