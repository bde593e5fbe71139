"""The page on which people try a model, at a real gateway, and in a headless browser."""

import base64
import re

import httpx
import pytest

from gateway.api_keys import add_key
from tests.gateway.gateway_worlds import make_world, running
from tests.plugins.ui.test_pages_in_browser import BACKGROUND, CHROMIUM, WIDTHS, look

pytestmark = pytest.mark.integration
ODD = "oil <script>alert(1)</script> \u202e\U0001f600 \"'"


def login(key):
    return {"authorization": f"Basic {base64.b64encode(f'anybody:{key}'.encode()).decode()}"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory, registry):
    """What the page says to each of a few requests, and the world that it is of."""
    world = make_world(tmp_path_factory.mktemp("page"), registry)
    keys = world.folder / "keys.json"
    key, other = add_key(keys, "tiny", "web"), add_key(keys, "other", "web")
    with running(world, keys=keys, page=True) as gateway:
        client = httpx.Client(base_url=gateway.url, headers=login(key), timeout=20)
        told = {
            "without a key": httpx.get(gateway.url),
            "with another loop's": httpx.get(gateway.url, headers=login(other)),
            "empty": client.get("/"),
            "answered": client.post("/", data={"input.text": f"{ODD}\r\nnext"}),
            "of another site": client.post("/", data={"input.text": "x"}, headers={"sec-fetch-site": "cross-site"}),
            "too large": client.post("/", data={"input.text": "x" * 2_000_000}),
            "no form": client.post("/", json={"input": {"text": "x"}}),
            "no such loop": client.get("/?loop=none"),
        }
        (trace_id,) = re.findall(r'name="trace_id" value="(\w+)"', told["answered"].text)
        form = {"trace_id": trace_id, "label": "ship", "comment": "it is about ships"}
        told["reported"] = client.post("/", data=form)
        told["reported without a class"] = client.post("/", data={"trace_id": trace_id, "label": "", "comment": ""})
        told["metrics"] = httpx.get(f"{gateway.url}/metrics")
    return told, world, trace_id


def test_page_asks_for_a_key_of_the_loop(asked):
    told, *_ = asked
    names = ("without a key", "with another loop's", "empty", "of another site", "no such loop")
    assert [told[name].status_code for name in names] == [401, 403, 200, 403, 403]
    assert told["without a key"].headers["www-authenticate"].startswith("Basic ")
    assert [told[name].status_code for name in ("too large", "no form")] == [413, 415]


def test_what_is_asked_and_reported_is_logged_like_everything_else(asked):
    told, world, trace_id = asked
    rows = {row["trace_id"]: row for row in world.pulled()}
    assert rows.keys() == {trace_id}
    assert rows[trace_id]["input_text"] == f"{ODD}\nnext"
    assert rows[trace_id]["metadata"] == '{"asked":"on the gateway\'s page"}'
    signals = sorted((row["signal"], row["value"], row["comment"]) for row in world.pulled_feedback())
    assert signals == [("correction", '"ship"', "it is about ships"), ("report", None, None)]
    assert "Thank you" in told["reported"].text


def test_page_runs_nothing_and_escapes_what_was_asked(asked):
    page = asked[0]["answered"]
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (page.headers["cache-control"], page.headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_page_is_not_there_unless_it_is_asked_for(world):
    with running(world) as gateway:
        assert gateway.client.get("/").status_code == 404


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("mode", BACKGROUND)
def test_page_fits_in_a_browser_and_says_nothing_to_its_console(asked, tmp_path, mode):
    pages = {name: asked[0][name].text for name in ("empty", "answered", "reported")}
    seen, errors = look(tmp_path, pages, mode)
    assert (errors, len(seen)) == ([], len(pages) * len(WIDTHS))
    assert [one["name"] for one in seen if one["overflow"] > 0] == []
    assert {one["background"] for one in seen} == {BACKGROUND[mode]}
    assert {one["name"]: one["broken"] for one in seen if one["broken"]} == {}
