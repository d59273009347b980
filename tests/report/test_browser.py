"""The page in headless Chromium; skipped, saying so, where browser or driver are not installed."""

from __future__ import annotations

import shutil

import pytest

from tests.report.fixtures import MALICE, evaluation, record, snapshot
from vicreg_core.report.page import render_run

pytestmark = pytest.mark.slow
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def open_page(browser, folder, width: int, scheme: str, **changes) -> None:
    page = folder / "report.html"
    page.write_text(render_run(record(**changes)))
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_fits_and_logs_nothing(browser, tmp_path, width, scheme):
    open_page(browser, tmp_path, width, scheme)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(int(v) for v in background[4:-1].split(",")) > 382) == (scheme == "light")


def test_arrow_keys_read_charts_and_map(browser, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    open_page(browser, tmp_path, 1440, "light")
    chart = browser.find_element(By.CSS_SELECTOR, "svg[data-chart]")
    chart.send_keys(Keys.ARROW_LEFT)
    assert "1,180" in browser.find_element(By.CSS_SELECTOR, "body > .tip").text
    canvas = browser.find_element(By.ID, "map-canvas")
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert "test-" in browser.find_element(By.ID, "map-tip").text
    assert browser.get_log("browser") == []


def test_malice_in_labels_is_shown_as_text(browser, tmp_path):
    from selenium.webdriver.common.by import By

    open_page(
        browser, tmp_path, 1440, "light",
        snapshot=snapshot(40, [MALICE, "b"], groups=True), evaluation=evaluation(classes=[MALICE, "b"]),
    )  # fmt: skip
    assert browser.get_log("browser") == []
    assert MALICE in browser.find_element(By.ID, "map-legend").text


def test_ten_thousand_points_open_within_the_page_limit(browser, tmp_path):
    open_page(browser, tmp_path, 1440, "light", snapshot={**snapshot(10_000), "shown": {}})
    assert browser.execute_script("return document.getElementById('map-legend').children.length") == 10
    drawn = browser.execute_script(
        "const c = document.getElementById('map-canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n"
    )
    assert drawn > 10_000
