"""Every page in a headless browser, framed as Airflow frames it: light and dark, wide and on a phone.

Skipped without Chromium (``apt-get install chromium``). With ``AXE_CORE`` in the environment, the path of ``axe.min.js`` of the
npm package ``axe-core``, each page is also judged by it.
"""

import html
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from feedback_loop.ui.mounting import PREFIX, page_address

from include.foundation.decisions import record
from include.foundation.decisions.challenger_evaluation import DisagreementExample
from include.foundation.store.loop_files import write_file
from include.foundation.store.rows import rows_of
from include.stages.reports.static_pages import export_pages
from tests.builders import day
from tests.decision_builders import make_drift_verdict, make_evaluation
from tests.include.stages.evaluation.judged_builders import answered_row
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import make_world

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (1280, 400)
BACKGROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}
OF_NOW = {
    "loops": "/",
    "loop": "/wire",
    "run": "/dags/wire.observe/runs/manual__1",
    "disagreements": "/wire/disagreements",
}
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
LOOK = """
addEventListener("load", async () => {
  const seen = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const root = frame.contentDocument.documentElement;
    const one = {name: frame.title, overflow: root.scrollWidth - root.clientWidth,
                 background: getComputedStyle(frame.contentDocument.body).backgroundColor, broken: []};
    if (frame.contentWindow.axe)
      for (const rule of (await frame.contentWindow.axe.run()).violations)
        one.broken.push(rule.id + ": " + rule.nodes[0].html.slice(0, 200));
    seen.push(one);
  }
  document.body.textContent = JSON.stringify(seen);
});
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
def pages(browse, live, airflow_run, tmp_path):
    """What a browser is given, by name: pages of now, and those that tasks write."""
    verdict = make_drift_verdict(day().key, "alarm", reasons=("Desk eu moved.", "x" * 10_000))
    record(live.store, verdict)
    airflow_run("wire.observe", tasks=[("detect_drift", "failed", {"return_value": verdict.reference})])
    label = answered_row(1, "aab", input_text="x" * 10_000)
    label = {name: value for name, value in label.items() if name in live.store.schema("labels").names}
    live.store.append_new("labels", rows_of(live.store.loop, "labels", [label]))
    record(live.store, make_evaluation(examples=[DisagreementExample(label["label_id"], "ship", "ship", "x" * 200)]))
    told = {name: browse(f"{PREFIX}{path}").text for name, path in OF_NOW.items()}
    played = Played(make_world(tmp_path))
    from include.stages.reports.kept_pages import write_index
    from include.stages.reports.release_notes import write_release_notes

    told["notes"] = Path(write_release_notes(played.store, played.promoted)).read_text()
    told["index"] = Path(write_index(played.store)).read_text()
    for path in export_pages([played.store], tmp_path / "pages", datetime.now(UTC)).parent.glob("**/index.html"):
        told[f"exported {path.parent.name}"] = path.read_text()
    (evaluation, *_) = (Path(played.store.uri) / "_files/evaluations").glob("*.html")
    write_file(live.store, "evaluations/c1-d1.html", evaluation.read_text())
    link = {"_link_EvaluationLink": json.dumps(page_address("wire", "evaluations/c1-d1.html"))}
    airflow_run("wire.retrain", tasks=[("evaluate", "success", link)])
    return told | {"evaluation": browse("/" + page_address("wire", "evaluations/c1-d1.html")).text}


@pytest.mark.parametrize("mode", BACKGROUND)
def test_every_page_fits_and_says_nothing_to_the_console(pages, tmp_path, mode):
    seen, errors = look(tmp_path, pages, mode)
    assert errors == []
    assert len(seen) == len(pages) * len(WIDTHS)
    assert [one["name"] for one in seen if one["overflow"] > 0] == []
    assert {one["background"] for one in seen} == {BACKGROUND[mode]}
    assert {one["name"]: one["broken"] for one in seen if one["broken"]} == {}


def look(folder, pages, mode):
    """Return what a browser finds of each page at each width, and what it says to its console."""
    axe = Path(os.environ["AXE_CORE"]).read_text() if "AXE_CORE" in os.environ else None
    frames = "".join(
        f'<iframe title="{name} {width}" width="{width}" height="900" srcdoc="{html.escape(_judged(page, axe))}"></iframe>'
        for name, page in pages.items()
        for width in WIDTHS
    )
    outer = folder / "outer.html"
    outer.write_text(f'<!doctype html><html class="{mode}"><body>{frames}<script>{LOOK}</script></body></html>')
    done = subprocess.run(
        [
            CHROMIUM or "", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1400,1000",
            f"--blink-settings=preferredColorScheme={int(mode == 'light')}",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000", "--dump-dom", outer.as_uri(),
        ],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found = re.search(r"<body>(.*)</body>", done.stdout, re.DOTALL)
    errors = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return json.loads(html.unescape(found[1])), errors


def _judged(page, axe):
    """Return a page with axe in it, which its policy would not let run."""
    return page if axe is None else POLICY.sub("", page).replace("<head>", f"<head><script>{axe}</script>", 1)
