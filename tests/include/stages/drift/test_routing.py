"""What the findings of a window ask for."""

import pytest

from include.foundation.decisions.drift_verdict import ALL_COLUMNS
from include.stages.drift.routing import routing_of
from tests.include.stages.drift.drift_builders import finding

JOINTLY = finding().model_copy(update={"column": ALL_COLUMNS, "statistic": "squared_distance"})


@pytest.mark.parametrize(
    ("columns", "labels", "estimated", "route", "segments"),
    [
        pytest.param([], [], [], "none", [], id="nothing"),
        pytest.param([finding(flagged=False)], [], [], "none", [], id="not-flagged"),
        pytest.param([finding(statistic="missing")], [], [], "fix_data", [], id="missing-values"),
        pytest.param([finding(statistic="missing"), finding()], [], [], "label_segment", [], id="not-only-missing"),
        pytest.param(
            [finding(statistic="missing"), JOINTLY], [], [], "fix_data", [], id="missing-values-move-all-jointly"
        ),
        pytest.param([JOINTLY], [], [], "label_segment", [], id="all-jointly-and-none-alone"),
        pytest.param(
            [finding()], [], [finding("estimated_performance", flagged=False)], "watch", [], id="nothing-lost"
        ),
        pytest.param([finding()], [], [], "label_segment", [], id="loss-unknown"),
        pytest.param([finding()], [], [finding("estimated_performance")], "retrain", [], id="estimate-dropped"),
        pytest.param([], [finding("performance")], [], "retrain", [], id="labels-show-it"),
        pytest.param([finding(segment="desk=eu")], [], [], "label_segment", ["desk=eu"], id="one-segment"),
        pytest.param(
            [], [], [finding("estimated_performance", "desk=us")], "label_segment", ["desk=us"], id="estimate-of-one"
        ),
        pytest.param(
            [finding(statistic="missing")], [finding("performance")], [], "retrain", [], id="shown-loss-comes-first"
        ),
    ],
)
def test_route_follows_from_what_is_flagged(columns, labels, estimated, route, segments):
    routing = routing_of(columns, [*labels, *estimated])
    assert (routing.route, list(routing.segments)) == (route, segments)
    assert bool(routing.reasons) == (route != "none")
