"""Settings that cannot work together are refused, beside everything else that is wrong, and near misses are taken."""

from datetime import date

import pytest
import yaml

from include.foundation.config.loading import load_loop
from include.foundation.errors import ConfigError
from tests.include.foundation.config.loop_texts import VALID, changed, write
from tests.include.stages.labeling.manifests.job_section import JOB

RULE = {"name": "oil", "input": "text", "when": "opec", "deny": ["earn"]}
TIER, STAKES = {"name": "reviewer"}, {"name": "spill", "input": "text", "when": "oil"}
APPROVERS = [{"id": "7", "name": "Ada"}]

CANNOT_WORK = [
    ({"task": {"classes": ["a", "b", "a"]}}, "task.classes: must be unique; listed more than once: a"),
    ({"task": {"classes": ["earn", "Earn", "acq"]}}, "'Earn', 'earn' are equal but for"),
    ({"task": {"classes": ["earn", "acq", "earn "]}}, "task.classes: 'earn', 'earn ' are equal but for"),
    ({"task": {"classes": ["earn", "acq", "caf\u00e9", "cafe\u0301"]}}, "are equal but for"),
    ({"task": {"classes": ["earn", "acq", "a  b", "a b"]}}, "are equal but for"),
    ({"task": {"classes": ["earn", "acq", "stra\u00dfe", "STRASSE"]}}, "are equal but for"),
    ({"task": {"classes": ["earn", "acq", " x"]}}, "task.classes: got ' x', expected no spaces at the ends"),
    ({"task": {"classes": ["earn", "acq", "x\u200by"]}}, "nor signs that do not show"),
    ({"task": {"classes": ["earn", "acq", "x" * 300]}}, "task.classes.2: got"),
    ({"task": {"retired": ["a", "a"]}}, "task.retired: must be unique; listed more than once: a"),
    ({"task": {"retired": ["earn"]}}, "task.retired: 'earn' is in task.classes"),
    ({"task": {"renamed": {"earn": "acq"}}}, "task.renamed: 'earn' is in task.classes"),
    ({"task": {"renamed": {"a": "acq"}, "retired": ["a"]}}, "task.retired: 'a' was renamed"),
    ({"task": {"renamed": {"a": "ack"}}}, "task.renamed: 'a' becomes 'ack', which leads to no name in task.classes"),
    ({"task": {"renamed": {"a": "ack"}}}, "did you mean 'acq'?"),
    ({"task": {"renamed": {"a": "b", "b": "a"}}}, "task.renamed: 'a' becomes 'b', which leads to no name"),
    ({"task": {"renamed": {"a ": "acq"}}}, "task.renamed: got 'a ', expected no spaces at the ends"),
    ({"inputs": {"Text": {"type": "text"}}}, "inputs: 'Text', 'text' are equal but for"),
    (
        {"inputs": {"title": {"type": "text", "minimum": 0}}},
        "inputs.title: minimum bound numbers; a text input has none",
    ),
    (
        {"inputs": {"kind": {"type": "categorical", "maximum": 1}}},
        "maximum bound numbers; a categorical input has none",
    ),
    ({"inputs": {"price": {"type": "numeric", "size": 3}}}, "inputs.price: size goes with type vector"),
    ({"inputs": {"price": {"type": "numeric", "image": True}}}, "the address of an image is a text; got type numeric"),
    ({"inputs": {"photo": {"type": "text", "image": True}}}, "inputs.photo.image: has no effect but on the labeling"),
    ({"inputs": {"more": {"type": "vector"}}}, "inputs.more: size goes with type vector, and a vector needs it"),
    ({"inputs": {"price": {"type": "numeric", "minimum": 3, "maximum": 2}}}, "minimum 3.0 is above maximum 2.0"),
    ({"inputs": {"pixels_3": {"type": "numeric"}}}, "pixels_3 is what element 3 of the vector pixels is called"),
    ({"segments": ["desk", "country", "Desk"]}, "segments: 'desk', 'Desk' are equal but for"),
    (
        {"gate": {"slices": ["dsk"]}},
        "gate.slices: 'dsk' is not one of segments ['desk', 'country'], did you mean 'desk'?",
    ),
    ({"deploy": {"shadow": {"requests": 9}}}, "deploy.shadow.requests: has no effect without strategy: shadow"),
    ({"deploy": {"canary": {"requests": 9}}}, "deploy.canary.requests: has no effect without strategy: canary"),
    *[
        (
            {"deploy": {"strategy": "canary", "canary": {"shares": shares}}},
            "expected shares that grow, the last one 1.0",
        )
        for shares in ([0.5, 0.1, 1.0], [0.1, 0.5], [0.1, 0.1, 1.0])
    ],
    ({"deploy": {"strategy": "shadow"}}, "deploy.shadow.uri: strategy shadow needs the folder"),
    (
        {"logs": {"uri": "x"}, "deploy": {"strategy": "shadow", "shadow": {"uri": "x"}}},
        "deploy.shadow.uri: got x, which is that of logs or feedback",
    ),
    ({"deploy": {"gitops": {"push": True}}}, "deploy.gitops.push: has no effect without deploy.gitops.repository"),
    (
        {"deploy": {"gitops": {"repository": "x", "before_production": ["dev", "dev"]}}},
        "deploy.gitops.before_production: dev is named twice",
    ),
    ({"deploy": {"gitops": {"repository": "x", "before_production": ["production"]}}}, "production is named twice"),
    (
        {"deploy": {"gitops": {"repository": "s3://bucket/x"}}},
        "deploy.gitops.repository: it is a bucket; expected a folder",
    ),
    ({"gate": {"slices": ["desk", "desk"]}}, "gate.slices: must be unique"),
    (
        {"split": {"group": "dsk"}},
        "split.group: 'dsk' is not an input, a segment, user or source_id, did you mean 'desk'?",
    ),
    ({"drift": {"segments": ["town"]}}, "drift.segments: 'town' is not one of segments"),
    (
        {"selection": {"quota": {"segment": "town", "rows": 2}}},
        "selection.quota.segment: 'town' is not one of segments",
    ),
    (
        {"logs": {"columns": {"trace_id": "meta.id", "context": "meta"}}},
        "logs.columns.context: got 'meta', where trace_id is read from",
    ),
    ({"logs": {"columns": {"metadata": "input"}}}, "logs.columns.metadata: got 'input', where input is read from"),
    (
        {"selection": {"nominate": {"groups": {"by": "dsk"}}}},
        "selection.nominate.groups.by: 'dsk' is not one of segments",
    ),
    ({"logs": {"columns": {"trace": "id"}}}, "logs.columns.trace: no such field, did you mean 'trace_id'?"),
    ({"logs": {"columns": {"input.body": "b"}}}, "logs.columns.input.body: no such field"),
    ({"logs": {"columns": {"ts": "meta..at"}}}, "logs.columns.ts: got 'meta..at'"),
    ({"feedback": {"columns": {"id": "x"}}}, "feedback.columns.id: no such field, did you mean"),
    (
        {"feedback": {"uri": None, "columns": None, "consent": "required"}},
        "feedback.uri: missing, so consent would have no",
    ),
    (
        {"feedback": {"uri": "gs://bucket/x"}},
        "feedback.uri: got 'gs://bucket/x', expected a folder, or s3://bucket/prefix",
    ),
    ({"logs": {"uri": None}}, "logs.uri: missing: a folder of log files, or s3://bucket/prefix"),
    ({"logs": {"uri": "file:///data/logs"}}, "logs.uri: got 'file:///data/logs'"),
    ({"logs": {"uri": "s3://"}}, "logs.uri: got 's3://'"),
    ({"logs": {"connection": "bucket"}}, "logs.connection: goes with s3:// or format sql; data/wire/logs needs none"),
    ({"logs": {"query": "SELECT 1"}}, "logs.query: query goes with format sql; got format jsonl"),
    ({"logs": {"format": "sql"}}, "logs.format: sql needs connection and query"),
    (
        {"logs": {"format": "sql", "connection": "w", "query": "SELECT :start"}},
        "logs.query: the parameters :end are missing",
    ),
    (
        {"logs": {"format": "sql", "connection": "w", "query": "SELECT :start, :end"}},
        "logs.uri: goes with files; format sql reads what query says",
    ),
    ({"logs": {"schedule": "0 25 * * *"}}, "logs.schedule: got '0 25 * * *', expected a cron expression"),
    ({"logs": {"schedule": "every day"}}, "logs.schedule: got 'every day'"),
    ({"logs": {"schedule": "@once"}}, "logs.schedule: got '@once'"),
    ({"logs": {"schedule": "@continuous"}}, "logs.schedule: got '@continuous'"),
    (
        {"logs": {"schedule": "0 0 31 2 *"}},
        "logs.schedule: got '0 0 31 2 *', expected a cron expression that comes again",
    ),
    (
        {"logs": {"schedule": "@monthly"}},
        "deploy.watch_days: 7 days end before the next run of @monthly, 31 days later",
    ),
    (
        {"logs": {"schedule": "@monthly"}, "deploy": {"watch_days": 30}},
        "deploy.watch_days: 30 days end before the next run of @monthly, 31 days later",
    ),
    (
        {"drift": {"reference_dates": [date(2026, 1, 1), date(2026, 1, 6)]}},
        "are too few days: at least 7 say what is ordinary",
    ),
    ({"drift": {"confirm": "3 of 2"}}, "drift.confirm: k must be at most m; got '3 of 2'"),
    ({"drift": {"reference": "rolling"}}, "drift.reference: reference_dates goes with reference: dates"),
    ({"drift": {"reference_dates": None}}, "drift.reference: reference_dates goes with reference: dates"),
    ({"drift": {"reference_days": 14}}, "drift.reference_days: has no effect with reference: dates"),
    ({"training": {"seed_labels": None, "seed_holdout_share": 0.2}}, "has no effect without seed_labels"),
    ({"training": {"seed_holdout_share": 0}}, "leaves no seed label to judge the first model on"),
    ({"training": {"seed_holdout_share": 1}}, "leaves no seed label to train the first model on"),
    ({"training": {"params": {"words": "x" * 7000}}}, "training.params.words: got 7000 characters"),
    ({"training": {"params": {"seed": 3}}}, "training.params.seed: every factory is given the loop's seed already"),
    ({"selection": {"random_share": 0}}, "selection.random_share: got 0, which leaves no row to judge a model on"),
    ({"selection": {"random_share": 1}}, "selection.random_share: got 1, which leaves no row to train on"),
    (
        {"labeling": {"uri": "s3://bucket/labeling"}},
        "labeling.uri: got 's3://bucket/labeling', expected a folder of a file",
    ),
    ({"labeling": {"job": JOB}}, "labeling.job: has no effect with backend: files"),
    (
        {"labeling": {"backend": "manifests", "uri": "s3://bucket/labeling"}},
        "labeling.connection: missing: manifests on S3 need an Airflow connection of type aws",
    ),
    (
        {"labeling": {"backend": "manifests", "connection": "aws"}},
        "labeling.connection: has no effect: the manifests lie in a folder",
    ),
    ({"labeling": {"backend": "manifests", "job": JOB}}, "labeling.job: Ground Truth reads manifests on S3 only"),
    (
        {"labeling": {"backend": "manifests", "uri": "s3://b/x", "connection": "aws", "job": JOB, "overlap": 10}},
        "labeling.overlap: got 10, expected at most 9 workers",
    ),
    (
        {
            "labeling": {"backend": "manifests", "uri": "s3://b/x", "connection": "aws", "job": JOB},
            "escalation": {"tiers": [{"name": "a"}, {"name": "b", "overlap": 12}]},
        },
        "escalation.tiers.1.overlap: got 12, expected at most 9 workers",
    ),
    (
        {"escalation": {"tiers": [{"name": "a", "workteam_arn": JOB["workteam_arn"]}]}},
        "escalation.tiers.0.workteam_arn: has no effect without labeling.job",
    ),
    ({"labeling": {"connection": "ls"}}, "labeling.connection: has no effect with backend: files"),
    ({"labeling": {"project": "Wire"}}, "labeling.project: has no effect with backend: files"),
    (
        {"name": "x", "labeling": {"backend": "label_studio"}},
        "labeling.project: missing: Label Studio takes titles of 3",
    ),
    (
        {"inputs": {"about": {"type": "text"}}, "labeling": {"backend": "label_studio"}},
        "inputs.about: about is what a task in Label Studio calls a field of its own; rename it",
    ),
    ({"labeling": {"definitions": {"graim": "Wheat"}}}, "labeling.definitions: 'graim' is not one of task.classes"),
    ({"labeling": {"backend": "label_studio", "uri": "x"}}, "labeling.uri: has no effect with backend: label_studio"),
    (
        {"labeling": {"hidden_prelabel_share": 0.2}, "selection": {"budget": 4, "random_share": 0.9}},
        "labeling.hidden_prelabel_share: has no effect: every row is drawn at random",
    ),
    (
        {"labeling": {"max_anchoring": 0.2, "hidden_prelabel_share": 0}},
        "labeling.max_anchoring: has no effect with hidden_prelabel_share 0: nothing is there to compare",
    ),
    ({"labeling": {"poll_seconds": 7200, "deadline_hours": 1}}, "labeling.poll_seconds: 7200 seconds are longer than"),
    (
        {"labels": {"min_confidence": 1}},
        "labels.min_confidence: got 1, which a probability of dawid_skene never reaches",
    ),
    (
        {"labels": {"model_counts": False, "consensus": "majority"}},
        "labels.model_counts: has no effect: a majority looks at answers alone",
    ),
    (
        {"labels": {"users_count": False, "consensus": "majority"}},
        "labels.users_count: has no effect: a majority looks at answers alone",
    ),
    (
        {"labels": {"users_count": False}, "feedback": {"uri": None}},
        "labels.users_count: has no effect without feedback",
    ),
    (
        {"labels": {"model_counts": False}, "labeling": {"overlap": 1}},
        "labels.model_counts: has no effect: a majority looks at answers alone",
    ),
    (
        {"labels": {"min_agreement": 0.3}, "labeling": {"overlap": 1}},
        "labels.min_agreement: has no effect with labeling.over",
    ),
    ({"labels": {"rules": [RULE, RULE]}}, "labels.rules: two rules are called oil"),
    ({"labels": {"rules": [{**RULE, "input": "titel"}]}}, "labels.rules.0.input: input 'titel' is not one of inputs"),
    ({"labels": {"rules": [{**RULE, "input": "pixels"}]}}, "labels.rules.0.input: pixels is a vector"),
    (
        {"labels": {"rules": [{**RULE, "when": "(opec"}]}},
        "labels.rules.0.when: got '(opec', expected a regular expression",
    ),
    (
        {"labels": {"rules": [{**RULE, "deny": ["eran"]}]}},
        "labels.rules.0.deny: 'eran' is not one of task.classes, did you",
    ),
    ({"labels": {"rules": [{**RULE, "allow": ["acq"]}]}}, "labels.rules.0: rule oil: give either allow or deny"),
    ({"labels": {"rules": [{**RULE, "deny": ["earn", "acq", "grain"]}]}}, "labels.rules.0.deny: denies every class"),
    ({"labeling": {"remind_hours": 72}}, "labeling.remind_hours: 72 hours are not before deadline_hours"),
    ({"labeling": {"people": ["ada", "ben"]}}, "labeling.overlap: got 3, but people names 2"),
    ({"labeling": {"people": ["ada"], "overlap": 1, "groups": {"eu": ["adda"]}}}, "did you mean 'ada'?"),
    (
        {"labeling": {"people": ["ada"], "overlap": 1, "groups": {"eu": ["ada"], "us": ["ada"]}}},
        "labeling.groups: each person is of one group; listed more than once: ada",
    ),
    ({"escalation": {"audit_share": 0.1}}, "escalation.audit_share: has no effect without tiers"),
    (
        {"escalation": {"tiers": [TIER], "more_readers": 2}},
        "escalation.more_readers: has no effect with tiers: the next one is asked",
    ),
    ({"escalation": {"high_stakes": [STAKES]}}, "escalation.high_stakes: has no effect without tiers"),
    (
        {"escalation": {"tiers": [{**TIER, "project": "Desk"}]}},
        "escalation.tiers.0.project: has no effect with backend: files",
    ),
    (
        {
            "labeling": {"backend": "label_studio", "project": "Desk"},
            "escalation": {"tiers": [{**TIER, "project": "Desk"}]},
        },
        "escalation.tiers: two tiers have the project Desk; each needs its own",
    ),
    ({"escalation": {"tiers": [TIER, TIER]}}, "escalation.tiers: two tiers are called reviewer"),
    (
        {"escalation": {"tiers": [{**TIER, "overlap": 2, "people": ["ada"]}]}},
        "escalation.tiers.0.overlap: got 2, but people names 1",
    ),
    (
        {"escalation": {"tiers": [{**TIER, "people": ["ada", "ada"]}]}},
        "escalation.tiers.0.people: must be unique; listed more than once: ada",
    ),
    (
        {"escalation": {"tiers": [TIER], "high_stakes": [{**STAKES, "input": "titel"}]}},
        "escalation.high_stakes.0.input: input 'titel' is not one of inputs",
    ),
    (
        {"escalation": {"tiers": [TIER], "high_stakes": [{**STAKES, "when": "(oil"}]}},
        "escalation.high_stakes.0.when: got '(oil', expected a regular expression",
    ),
    (
        {"escalation": {"tiers": [TIER], "high_stakes": [{"name": "spill", "input": "text"}]}},
        "escalation.high_stakes.0: spill: give both input and when, or neither",
    ),
    (
        {"escalation": {"tiers": [TIER], "high_stakes": [{"name": "spill"}]}},
        "escalation.high_stakes.0: spill: give input and when, or classes",
    ),
    (
        {"escalation": {"tiers": [TIER], "high_stakes": [{"name": "spill", "classes": ["eran"]}]}},
        "escalation.high_stakes.0.classes: 'eran' is not one of task.classes, did you",
    ),
    ({"retrain": {"min_new_labels": 5, "min_new_labels_on_drift": 6}}, "drift would delay training"),
    ({"gate": {"rule": "non_inferior", "margin": 0}}, "gate.margin: rule non_inferior needs a margin above 0"),
    ({"gate": {"floor": 1}}, "gate.floor: got 1, above which no interval can be"),
    (
        {"gate": {"margin": 0.5}},
        "gate.margin: 0.5 cannot be shown: the champion scores at least gate.floor, 0.5, so that no model is better by 0.5",
    ),
    ({"gate": {"approval": "auto"}}, "gate.approvers: has no effect with approval: auto"),
    ({"gate": {"approvers": APPROVERS * 2}}, "gate.approvers: must be unique; listed more than once: 7"),
    ({"tasks": {"timeout_minutes": 60, "long_timeout_minutes": 30}}, "tasks.timeout_minutes: 60 is above long_timeout"),
    (
        {"notify": [{"events": ["failure"], "notifier": "a.B", "params": {"slack_token": "x"}}]},
        "notify.0.params: slack_token would keep a secret in the loop file",
    ),
    ({"notify": [{"events": ["failure", "failure"], "notifier": "a.B"}]}, "notify.0.events: must be unique"),
]
WORKS = [
    {},
    {"task": {"classes": ["earn", "acq", "x" * 200, "\u4e2d\u6587", "a b"]}},
    {"drift": {"reference": "rolling", "reference_dates": None, "reference_days": 14}},
    {"drift": {"reference_dates": [date(2026, 1, 1), date(2026, 1, 7)]}},
    {"drift": {"confirm": "2 of 2"}},
    {"logs": {"schedule": "* * * * *"}},
    {"logs": {"schedule": "@monthly"}, "deploy": {"watch_days": 31}},
    {"logs": {"schedule": "@quarterly"}, "deploy": {"watch_days": 100}},
    {"logs": {"schedule": "*/15 * * * *"}},
    {"logs": {"uri": "s3://bucket", "connection": "bucket"}},
    {"logs": {"uri": "C:/logs"}},
    {"logs": {"columns": {"input": "payload", "probabilities.earn": "p", "segments.desk": "d"}}},
    {"feedback": {"columns": {"source": "app", "consent": "ok"}}},
    {"selection": {"budget": 0, "random_share": 0}},
    {"labels": {"min_confidence": 1, "consensus": "majority"}},
    {"labels": {"min_confidence": 1}, "labeling": {"overlap": 1}},
    {"gate": {"margin": 0.49}},
    {"gate": {"approval": "auto", "approvers": None}},
    {"retrain": {"min_new_labels": 5}},
]


@pytest.mark.parametrize(("sections", "said"), CANNOT_WORK, ids=[said[:60] for _, said in CANNOT_WORK])
def test_settings_that_cannot_work_are_refused_once_and_with_their_key(tmp_path, sections, said):
    with pytest.raises(ConfigError) as caught:
        load_loop(write(tmp_path, changed(**sections)))
    assert sum(said in problem for problem in caught.value.problems) == 1, caught.value


@pytest.mark.parametrize("sections", WORKS, ids=str)
def test_settings_near_by_are_taken(tmp_path, sections):
    assert load_loop(write(tmp_path, changed(**sections))).name == "wire"


@pytest.mark.parametrize("sections", WORKS, ids=str)
def test_file_that_spells_every_default_out_is_the_same_loop(tmp_path, sections):
    loop = load_loop(write(tmp_path, changed(**sections)))
    path = write(tmp_path, yaml.safe_dump(loop.model_dump()))
    assert load_loop(path).digest == loop.digest


def test_wrong_values_do_not_hide_what_other_keys_disagree_on(tmp_path):
    text = changed(
        gate={"slices": ["dsk"], "aproval": "auto", "floor": 7},
        drift={"confirm": "3 of 2", "min_rows": 0, "segments": ["town"]},
        logs={"schedule": "every day", "look_back_hours": "long"},
        labels={"rules": [{"name": "oil", "input": "titel", "when": "(", "deny": ["earn"], "note": "x"}]},
    )
    with pytest.raises(ConfigError) as caught:
        load_loop(write(tmp_path, text))
    keys = {problem.split(": ")[1] for problem in caught.value.problems}
    assert keys == {
        "gate.slices", "gate.aproval", "gate.floor", "drift.confirm", "drift.min_rows", "drift.segments", "logs.schedule",
        "logs.look_back_hours", "labels.rules.0.input", "labels.rules.0.when", "labels.rules.0.note",
    }  # fmt: skip


def test_rule_that_lacks_a_key_does_not_hide_what_the_rest_of_its_section_disagrees_on(tmp_path):
    unnamed = {"input": "text", "when": "opec", "deny": ["earn"]}
    with pytest.raises(ConfigError) as caught:
        load_loop(write(tmp_path, changed(labels={"min_confidence": 1, "rules": [unnamed, RULE]})))
    keys = {problem.split(": ")[1] for problem in caught.value.problems}
    assert keys == {"labels.rules.0.name", "labels.min_confidence"}


def test_what_rests_on_a_wrong_value_is_not_said(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_loop(write(tmp_path, changed(segments="desk", inputs={"more": {"type": "vektor"}}, gate={"margin": 3})))
    assert sorted(problem.split(": ")[1] for problem in caught.value.problems) == [
        "gate.margin",
        "inputs.more.type",
        "segments",
    ]


def test_problems_come_in_the_order_of_the_file_with_their_lines(tmp_path):
    text = VALID.replace("owner: desk", "ownr: desk").replace("margin: 0.01", "margin: 030")
    with pytest.raises(ConfigError) as caught:
        load_loop(write(tmp_path, text))
    assert [problem.split(": ")[:2] for problem in caught.value.problems] == [
        ["line 2", "owner"], ["line 3", "ownr"], ["line 13", "gate.margin"],
    ]  # fmt: skip
