"""Twenty labels by keyboard in headless Chromium, the server killed in between: nothing is lost."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drills.test_kill import RECIPE
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("label") / "run"
    loaded = load_recipe("vision/quickstart", [*RECIPE, "train.steps=2"])
    train_run(loaded, RunDirectory(folder), resume=False, overwrite=False)
    return folder


@pytest.fixture
def serve(run: Path, tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """Starts the command; gives the process and the address it names."""
    started = []

    def start() -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-u", "-m", "vicreg_core", "label", str(run)]
        command += ["--labels", str(tmp_path / "labels.csv"), "--class", "even", "--class", "odd"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, line.removeprefix("open ").strip()

    yield start
    for process in started:
        process.kill()
        process.wait()


def labels(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="") as stream:
        return [(row["id"], row["label"]) for row in csv.DictReader(stream)]


def press(browser, keys: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    body = browser.find_element(By.TAG_NAME, "body")
    for key in keys:
        before = browser.find_element(By.ID, "id").text
        body.send_keys(key)
        WebDriverWait(browser, 20).until(lambda b, was=before: b.find_element(By.ID, "id").text != was)


@pytest.mark.parametrize("width", [390, 1200])
def test_twenty_labels_by_keyboard(browser, serve, tmp_path: Path, width: int):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    process, address = serve()
    browser.get(address)
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#sample img"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    press(browser, "1212121212")
    kept = labels(tmp_path / "labels.csv")
    assert [label for _, label in kept] == ["even", "odd"] * 5

    process.send_signal(signal.SIGKILL)
    process.wait()
    browser.find_element(By.TAG_NAME, "body").send_keys("1")
    WebDriverWait(browser, 20).until(lambda b: "no longer answers" in b.find_element(By.ID, "error").text)
    assert labels(tmp_path / "labels.csv") == kept

    process, address = serve()
    browser.get(address)
    WebDriverWait(browser, 20).until(lambda b: "10 of" in b.find_element(By.ID, "done").text)
    press(browser, "1212121212")
    press(browser, "s")
    press(browser, "1")
    press(browser, "u")
    names = [name for name, _ in labels(tmp_path / "labels.csv") if name]
    given = [label for _, label in labels(tmp_path / "labels.csv") if label]
    assert given == ["even", "odd"] * 10
    assert len(set(names)) == len(names)
    shot = os.environ.get("VICREG_SHOTS")
    if shot:
        browser.save_screenshot(f"{shot}/label-{width}.png")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
