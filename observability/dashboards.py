"""Grafana's dashboards, made with Grafana's own types: ``python -m observability.dashboards`` writes them as JSON anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh, VariableSort

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
SOURCE = DataSourceRef("prometheus", "${datasource}")
HEIGHT = {"stat": 4, "timeseries": 8, "table": 8}
Panel = stat.Panel | table.Panel | timeseries.Panel
BUILDERS: Mapping[str, Callable[[], Panel]] = {"stat": stat.Panel, "timeseries": timeseries.Panel, "table": table.Panel}
OWN = '{loop=~"$loop"}'


@dataclass(frozen=True)
class Chart:
    """A panel.

    Attributes
    ----------
    title, meaning
        What it shows, and what that means.
    queries
        PromQL by legend; ``{{label}}`` stands for a label's value.
    kind
        ``stat``, ``timeseries`` or ``table``.
    width
        Of 24 columns.
    unit
        As Grafana names it.
    is_named
        Whether the legend says it all: of a stat whose value is a mere 0 or 1.
    """

    title: str
    meaning: str
    queries: Mapping[str, str]
    kind: str = "timeseries"
    width: int = 12
    unit: str = "short"
    is_named: bool = False


LOOPS = (
    Chart("Loops that cannot be read", "Their tables are gone or not reachable; the exporter's log says why.",
          {"{{loop}}": "feedback_loop_up == 0"}, "stat", 6, is_named=True),
    Chart("Urgent needs", "Somebody must act, or a loop stands still.",
          {"{{loop}}": 'feedback_loop_needs{urgent="true"} > 0'}, "stat", 6),
    Chart("Drift alarms", "Confirmed on the newest window.",
          {"{{loop}}": 'feedback_loop_drift{outcome="alarm"} == 1'}, "stat", 6, is_named=True),
    Chart("Labels late", "Requests past their deadline.",
          {"{{loop}}": 'feedback_loop_requests{state="late"} > 0'}, "stat", 6),
    Chart("Accuracy now", "Of the live version, on random rows of late; where the interval is unknown, so is the value.",
          {"{{loop}} {{bound}}": "feedback_loop_accuracy"}, unit="percentunit"),
    Chart("Age of the newest logged row", "Long where nothing is served, or nothing is logged.",
          {"{{loop}}": "time() - feedback_loop_newest_prediction_timestamp_seconds"}, unit="s"),
    Chart("Live versions", "What is live, and what made it so.",
          {"{{loop}}: version {{version}}, by {{by}}": "feedback_loop_live"}, "table", 12, is_named=True),
    Chart("Time since each kind of decision", "A stage that stands still shows here first.",
          {"{{loop}} {{kind}}": "time() - feedback_loop_decided_timestamp_seconds"}, unit="s"),
)  # fmt: skip
LOOP = (
    Chart("Live version", "What is live, and what made it so.", {"version {{version}}": f"feedback_loop_live{OWN}"}, "stat",
          6, is_named=True),
    Chart("Accuracy now", "On random rows of late.",
          {"{{bound}}": f"feedback_loop_accuracy{OWN}"}, "stat", 6, "percentunit"),
    Chart("Waits for", "What somebody is to give.",
          {"urgent: {{urgent}}": f"feedback_loop_needs{OWN}"}, "stat", 6),
    Chart("Approval waiting", "1 while a promotion waits for a person.",
          {"{{loop}}": f"feedback_loop_approval_waiting{OWN}"}, "stat", 6),
    Chart("Accuracy and promise", "The live version's score with its interval, what was promised, and that one's floor.",
          {"now {{bound}}": f"feedback_loop_accuracy{OWN}", "promised {{bound}}": f"feedback_loop_promised{OWN}",
           "floor": f"feedback_loop_accuracy_floor{OWN}"}, unit="percentunit"),
    Chart("Advantage over the predecessor", "On the same rows; below 0 the predecessor is better.",
          {"{{bound}}": f"feedback_loop_advantage{OWN}"}, unit="percentunit"),
    Chart("Drift effects", "Sizes of the differences that the newest verdict lists, 0 to 1.",
          {"{{monitor}} {{column}} {{segment}}": f"feedback_loop_drift_effect{OWN}"}),
    Chart("Newest verdicts", "On a window and where it leads, on a challenger, and on the live version.",
          {"drift: {{outcome}}": f"feedback_loop_drift{OWN} == 1", "route: {{route}}": f"feedback_loop_drift_route{OWN}",
           "gate: {{outcome}}": f"feedback_loop_gate{OWN} == 1",
           "guard: {{outcome}}": f"feedback_loop_guard{OWN} == 1"}, "table", is_named=True),
    Chart("Evidence of the gate", "The e-value of the newest verdict on a challenger, and what promotes it.",
          {"{{kind}}": f"feedback_loop_gate_evidence{OWN}"}),
    Chart("Decisions a day", "By kind and outcome.",
          {"{{kind}} {{outcome}}": f"increase(feedback_loop_decisions_total{OWN}[1d])"}),
    Chart("Labels asked and back", "Requests and labels of the last seven days.",
          {"asked, {{stratum}} tier {{tier}}": f"increase(feedback_loop_asked_total{OWN}[7d])",
           "labels, {{stratum}}": f"sum by (loop, stratum) (increase(feedback_loop_labels_total{OWN}[7d]))"}),
    Chart("Requests not answered", "Open, and past their deadline.", {"{{state}}": f"feedback_loop_requests{OWN}"}),
    Chart("From push to label", "Median and ninth decile of the last 30 days' labels.",
          {"{{quantile}}": f"feedback_loop_turnaround_seconds{OWN}"}, unit="s"),
    Chart("Work of this month", "Time and money that people's answers took.",
          {"time": f"feedback_loop_work_of_month_seconds{OWN}"}, width=6, unit="s"),
    Chart("Cost of this month", "In the unit of the loop file's prices.",
          {"cost": f"feedback_loop_cost_of_month{OWN}"}, width=6),
    Chart("Deployments and rollbacks", "Changes of what is live.",
          {"{{action}}": f"feedback_loop_deployments_total{OWN}"}),
    Chart("Feedback and refused lines", "Signals of users and sensors, and lines in quarantine, by the day.",
          {"{{table}}": 'delta(feedback_loop_table_rows{loop=~"$loop", table=~"feedback|quarantine"}[1d])'}),
    Chart("Age of the newest logged row", "Long where nothing is served, or nothing is logged.",
          {"age": f"time() - feedback_loop_newest_prediction_timestamp_seconds{OWN}"}, unit="s"),
)  # fmt: skip
GATEWAY = (
    Chart("Served version", "Of each loop; 0 where none is.",
          {"{{loop}}": f"feedback_loop_gateway_model_version{OWN}"}, "stat", 6),
    Chart("Served, but not live", "Gateways that serve another version than the one that is live; none is all right.",
          {"{{loop}} version {{version}}": '(count_values by (loop) ("version", '
           f"feedback_loop_gateway_model_version{OWN} > 0) and on (loop) feedback_loop_live{OWN}) "
           f"unless on (loop, version) feedback_loop_live{OWN}"}, "stat", 6, is_named=True),
    Chart("Logs that cannot be written", "While a log cannot be written, nothing is answered.",
          {"{{loop}} {{log}}": f"feedback_loop_gateway_log_failing{OWN} == 1"}, "stat", 6, is_named=True),
    Chart("Champions that cannot be followed", "The last look at what is live failed; the version before is served.",
          {"{{loop}}": f"feedback_loop_gateway_champion_unfollowed{OWN} == 1"}, "stat", 6,
          is_named=True),
    Chart("Rows that wait", "Or are being scored.", {"{{loop}}": f"feedback_loop_gateway_pending_rows{OWN}"}, "stat", 6),
    Chart("Requests a second", "By what was answered.",
          {"{{path}} {{status}}": "sum by (loop, path, status) "
           f"(rate(feedback_loop_gateway_requests_total{OWN}[5m]))"}, unit="reqps"),
    Chart("Refused unread", "Requests a second, by gateway: more is asked than it can answer in time.",
          {"{{instance}}": "rate(feedback_loop_gateway_shed_requests_total[5m])"}, unit="reqps"),
    Chart("Time to answer", "Half and 99 of 100 requests are answered faster.",
          {f"{{{{loop}}}} {share}": f"histogram_quantile({share}, sum by (loop, le) "
           f"(rate(feedback_loop_gateway_request_seconds_bucket{OWN}[5m])))" for share in ("0.5", "0.99")}, unit="s"),
    Chart("Rows scored together", "Half of the batches have fewer.",
          {"{{loop}}": "histogram_quantile(0.5, sum by (loop, le) "
           f"(rate(feedback_loop_gateway_batch_rows_bucket{OWN}[5m])))"}),
    Chart("Time to score and to log", "99 of 100 batches, and writes of the log, take less.",
          {"score": "histogram_quantile(0.99, sum by (loop, le) "
           f"(rate(feedback_loop_gateway_score_seconds_bucket{OWN}[5m])))",
           "log": "histogram_quantile(0.99, sum by (loop, le) "
           f"(rate(feedback_loop_gateway_log_write_seconds_bucket{OWN}[5m])))"}, unit="s"),
    Chart("Lines logged a second", "Predictions and feedback.",
          {"{{loop}} {{log}}": f"rate(feedback_loop_gateway_log_lines_total{OWN}[5m])"}),
    Chart("Waits for S3", "Bytes of complete files that S3 does not have; the disk bounds them.",
          {"{{loop}} {{log}}": f"feedback_loop_gateway_upload_backlog_bytes{OWN}"}, unit="bytes"),
    Chart("Age of the oldest file that waits for S3", "Pulls do not see its lines yet.",
          {"{{loop}} {{log}}": f"feedback_loop_gateway_upload_backlog_seconds{OWN}"}, unit="s"),
    Chart("Files sent to S3", "Attempts in the last hour; failed ones are repeated.",
          {"{{loop}} {{log}} {{outcome}}": f"increase(feedback_loop_gateway_uploads_total{OWN}[1h])"}),
    Chart("Models taken into service", "One more for every version that was exchanged.",
          {"{{loop}}": f"feedback_loop_gateway_model_exchanges_total{OWN}"}),
    Chart("Rows that a challenger was asked about", "A second; dropped are those for which it had no time.",
          {"{{loop}} {{outcome}}": f"rate(feedback_loop_gateway_shadow_rows_total{OWN}[5m])"}),
    Chart("Share of the callers that a canary is served to", "0 while none runs.",
          {"{{loop}}": f"feedback_loop_gateway_canary_share{OWN}"}),
    Chart("Canaries that cannot be served", "The champion serves everybody meanwhile.",
          {"{{loop}}": f"feedback_loop_gateway_canary_unserved{OWN} == 1"}, "stat", 6),
    Chart("Challengers that cannot be asked", "The last look at what waits for the gate failed; its log says why.",
          {"{{loop}}": f"feedback_loop_gateway_challenger_unasked{OWN} == 1"}, "stat", 6, is_named=True),
)  # fmt: skip
DASHBOARDS = {
    "feedback-loops": ("Feedback loops", LOOPS, None),
    "feedback-loop": ("Feedback loop", LOOP, "feedback_loop_up"),
    "feedback-gateway": ("Feedback Loop gateway", GATEWAY, "feedback_loop_gateway_pending_rows"),
}


def dashboard_json(uid: str) -> str:
    """Return a dashboard as Grafana's provisioning reads it.

    Parameters
    ----------
    uid
        One of `DASHBOARDS`.
    """
    title, charts, loops_of = DASHBOARDS[uid]
    board = (
        Dashboard(title)
        .uid(uid)
        .tags(["feedback-loop"])
        .time("now-30d", "now")
        .refresh("5m")
        .timezone("utc")
        .readonly()
    )
    board.with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    if loops_of:
        board.with_variable(_loop_variable(loops_of))
    for chart in charts:
        board.with_panel(_panel(chart))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _loop_variable(metric: str) -> QueryVariable:
    """Return a choice among the loops that a metric has."""
    loop = QueryVariable("loop").label("Loop").datasource(SOURCE).query(f"label_values({metric}, loop)")
    return loop.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)


def _panel(chart: Chart) -> Panel:
    panel = BUILDERS[chart.kind]()
    panel.title(chart.title).description(chart.meaning).datasource(SOURCE)
    if isinstance(panel, stat.Panel) and chart.is_named:
        panel.text_mode(BigValueTextMode.NAME)
    panel.unit(chart.unit).height(HEIGHT[chart.kind]).span(chart.width).no_value("unknown")
    for letter, (legend, query) in zip(ascii_uppercase, chart.queries.items(), strict=False):
        target = prometheus.Dataquery().expr(query).legend_format(legend).ref_id(letter)
        panel.with_target(target if chart.kind == "timeseries" else target.instant())
    return panel


def main() -> None:
    """Write every dashboard into its file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for uid in DASHBOARDS:
        (FOLDER / f"{uid}.json").write_text(dashboard_json(uid), encoding="utf-8")


if __name__ == "__main__":
    main()
