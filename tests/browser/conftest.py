"""One browser and one JupyterLab for all tests, on a copy of the notebooks."""

import os
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from . import chromium, lab

ROOT = Path(__file__).resolve().parents[2]
UPLOADED = ROOT / "data_samples" / "01_dog_bark.ogg"
SHOTS = ROOT / "runs" / "browser"
# Notebook 7.6 on JupyterLab 4.6 throws this at its start, on an empty notebook too
KNOWN = {"notebook7": {"Cannot read properties of undefined (reading 'schema')"}}
# anywidget gives each widget two seconds to start, which a busy machine overruns
PATIENT = """const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = ms => timeout(60 * ms);"""
FLAGS = [
    "--no-sandbox",  # containers run as root
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(autouse=True)
def in_time():
    """Skip what would begin after `BROWSER_UNTIL` (s since 1970): CI has an end."""
    if time.time() > float(os.environ.get("BROWSER_UNTIL", "inf")):
        pytest.skip("no time is left for it in this run (BROWSER_UNTIL)")


@pytest.fixture(scope="session")
def browser():
    path = chromium.find()
    if path is None:
        pytest.skip(chromium.WHAT_TO_DO)
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A copy of notebooks and clips: running must not touch the stored ones."""
    place = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "data_samples"):
        shutil.copytree(ROOT / name, place / name)
    return place


@pytest.fixture(scope="session")
def jupyterlab(browser, folder, tmp_path_factory):
    with lab.serve("jupyterlab", folder, tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="session")
def notebook7(browser, folder, tmp_path_factory):
    pytest.importorskip("notebook", reason="Notebook 7 is not installed: make setup")
    with lab.serve("notebook", folder, tmp_path_factory.mktemp("seven")) as address:
        yield address


@pytest.fixture
def page(browser, request):
    """A fresh page; the test fails if it throws or asks another machine."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 1400}, permissions=["microphone"]
    )
    context.set_default_timeout(lab.PATIENCE_S * 1000)
    context.add_init_script(PATIENT)
    page, thrown, left = context.new_page(), [], []
    page.on("filechooser", lambda chooser: chooser.set_files(UPLOADED))
    page.on("pageerror", lambda error: thrown.append(str(error)[:200]))
    page.on("request", lambda request: left.append(request.url))
    yield page
    context.close()
    schemes = (f"http://{lab.HOST}:", f"ws://{lab.HOST}:", "data:", "blob:")
    assert [url[:200] for url in left if not url.startswith(schemes)] == []
    known = [KNOWN[name] for name in KNOWN if name in request.fixturenames]
    assert set(thrown) <= set().union(*known)


@pytest.fixture(scope="session")
def shots() -> Path:
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
