"""The page in headless Chromium; skipped, saying so, where browser or driver are not installed."""

from __future__ import annotations

import pytest

from tests.report.fixtures import CLASSES, MALICE, evaluation, record, snapshot
from vicreg_core.report.compare import render_comparison
from vicreg_core.report.page import render_run
from vicreg_core.report.snapshot_file import GRID

pytestmark = pytest.mark.slow


def open_page(browser, folder, width: int, scheme: str, **changes) -> None:
    page = folder / "report.html"
    page.write_text(render_run(record(**changes)))
    show(browser, page, width, scheme)


def show(browser, page, width: int, scheme: str) -> None:
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


def test_a_point_under_the_pointer_is_shown(browser, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    open_page(browser, tmp_path, 1440, "light")
    canvas, tip = browser.find_element(By.ID, "map-canvas"), browser.find_element(By.ID, "map-tip")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas)
    assert tip.text == ""
    width, height = (
        browser.execute_script(f"return arguments[0].client{s}", canvas) for s in ("Width", "Height")
    )
    side, placed = min(width, height) - 32, snapshot()["maps"][0]
    stretch = max(1, (width - 32) / (height - 32))
    x = (placed["x"][7] / GRID - 0.5) * side * stretch
    y = -(placed["y"][7] / GRID - 0.5) * side
    ActionChains(browser).move_to_element_with_offset(canvas, round(x), round(y)).perform()
    assert "test-" in tip.text
    assert browser.execute_script("return document.querySelector('#map-tip img').naturalWidth") == 32
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "nav")).perform()
    assert tip.text == ""


def test_the_map_is_coloured_by_label_group_cluster_or_nothing(browser, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.select import Select

    open_page(browser, tmp_path, 1440, "dark", snapshot=snapshot(60, groups=True))
    choice = Select(browser.find_element(By.ID, "map-colour"))
    legends = {}
    for each in choice.options:
        choice.select_by_value(value := str(each.get_attribute("value")))
        legends[value] = [
            b.text.split("\n")[0] for b in browser.find_elements(By.CSS_SELECTOR, "#map-legend button")
        ]
    assert legends == {
        "labels": CLASSES,
        "groups": ["plate 0", "plate 1", "plate 2"],
        "clusters": [f"cluster {i}" for i in range(1, 11)],
        "none": [],
    }
    assert browser.get_log("browser") == []


def test_tab_reaches_every_control_and_says_where_it_is(browser, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    open_page(browser, tmp_path, 1440, "light", snapshot=snapshot(20))
    wanted = browser.execute_script(
        "return document.querySelectorAll('a, button, select, summary, canvas, svg[tabindex]').length"
    )
    reached = []
    for _ in range(wanted + 40):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        name, outline, again = browser.execute_script(
            "const e = document.activeElement, again = 'reached' in e.dataset; e.dataset.reached = '';"
            "return [e.tagName.toLowerCase(), getComputedStyle(e).outlineStyle, again]"
        )
        if name == "body" or again:
            break
        assert outline != "none", name
        reached.append(name)
    kinds = ("a", "button", "select", "summary", "canvas", "svg")
    assert sum(name in kinds for name in reached) == wanted


def test_several_runs_fit_side_by_side(browser, tmp_path):
    page = tmp_path / "comparison.html"
    page.write_text(render_comparison([record(name=name) for name in "abc"]))
    for width in (1440, 390):
        show(browser, page, width, "dark")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.get_log("browser") == []


def test_ten_thousand_points_open_within_the_page_limit(browser, tmp_path):
    open_page(browser, tmp_path, 1440, "light", snapshot={**snapshot(10_000), "shown": {}})
    assert browser.execute_script("return document.getElementById('map-legend').children.length") == 10
    drawn = browser.execute_script(
        "const c = document.getElementById('map-canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n"
    )
    assert drawn > 10_000
    assert (tmp_path / "report.html").stat().st_size < 6_000_000
