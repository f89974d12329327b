"""The built site in a browser: its pictures, its players, its search."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from . import lab
from .conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]  # built once

HEARD = "01_sound_into_windows"  # the quickest that has players
BROKEN = "() => [...document.images].filter(e => !e.naturalWidth).map(e => e.src)"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        """Nothing: the tests have an output of their own."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Address of the site, with the sounds of one notebook."""
    out = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, "docs/build_site.py", "--out", out]
    done = subprocess.run(
        [*command, "--sounds", HEARD[:2]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    serve = functools.partial(Quiet, directory=out)
    with ThreadingHTTPServer((lab.HOST, 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{lab.HOST}:{server.server_port}"
        server.shutdown()


def test_every_page_shows_its_pictures(page, site):
    page.goto(f"{site}/index.html")
    links = "() => [...document.querySelectorAll('.sidebar-tree a')].map(e => e.href)"
    addresses = [a for a in page.evaluate(links) if a.endswith(".html")]
    assert len(addresses) > len(list((ROOT / "notebooks").glob("*.ipynb")))
    for address in addresses:
        page.goto(address)
        assert page.evaluate(BROKEN) == [], address


def test_a_page_plays_its_sounds(page, site, shots):
    page.goto(f"{site}/notebooks/{HEARD}.html")
    players = page.query_selector_all("audio")
    assert players
    for player in players:
        page.wait_for_function("e => e.duration > 0", arg=player)
    players[0].evaluate("e => e.play()")
    page.wait_for_function("e => e.currentTime > 0.1", arg=players[0])
    page.screenshot(path=shots / "site.png")


def test_the_search_finds_words_of_a_notebook(page, site):
    page.goto(f"{site}/search.html?q=contrastive")
    page.wait_for_selector("#search-results li a")
    links = "() => [...document.querySelectorAll('#search-results li a')]"
    found = page.evaluate(f"{links}.map(e => e.href)")
    assert any("02_clap_from_scratch" in address for address in found)
