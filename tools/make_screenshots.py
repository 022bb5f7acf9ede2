"""Make docs/images/{why,trades,galaxy-dark,galaxy-light,galaxy-phone}.png: the dashboard on the shipped demo.

Drives Chromium without a window. Run by hand when what a page shows changes, and look at every picture:
`python tools/make_screenshots.py`. A picture of more than 250 kB is refused.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
MOST_BYTES = 250_000
WAIT_S = 60.0
DESK = (1280, 800)
PHONE = (390, 844)

SPEED = "3000x"
"""Fast enough to have trades soon, slow enough for the run to be under way while pictures are taken."""


def begin(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the demo with its dashboard; return it and where the dashboard is."""
    environment = {**os.environ, "PHANTOM_DASHBOARD__PORT": "0", "XDG_RUNTIME_DIR": str(folder)}
    words = ["run", "--source", "demo", "--dashboard", "--speed", SPEED, "--ui", "plain"]
    run = subprocess.Popen(
        [sys.executable, "-m", "phantom_arbiter", *words, "--journal", str(folder / "journal.sqlite")],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "said").open("w"),
        text=True,
    )
    found: list[str] = []

    def has_said() -> bool:
        found[:] = re.findall(r"dashboard: (http://\S+)", (folder / "said").read_text())
        return bool(found)

    until(has_said)
    return run, found[0]


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It does not within a minute.
    """
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the page does not show what a picture is to be taken of")
        time.sleep(0.05)


def open_page(browser: Browser, url: str, size: tuple[int, int], *, is_dark: bool) -> Page:
    """Return a page of the dashboard on which nothing pulses."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
    )
    page.goto(url)
    return page


def take(page: Page, name: str) -> None:
    """Write what the page shows."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{path} has {size} bytes, more than {MOST_BYTES}")
    print(f"{path.name}: {size:,} bytes")


def take_galaxy(browser: Browser, url: str, name: str, size: tuple[int, int], *, is_dark: bool) -> None:
    """Take the galaxy; on a desk with an open cycle's numbers beside it."""
    page = open_page(browser, f"{url}#/galaxy", size, is_dark=is_dark)
    facts = "window.__phantom.galaxy?.facts() ?? {}"
    until(lambda: bool(page.evaluate(facts).get("lit")) and not page.evaluate(facts)["is_arranging"])
    if size == DESK:
        page.locator("[data-cycle]").first.click()
        page.locator(".uplot canvas").wait_for()
    page.wait_for_timeout(500)
    take(page, name)
    page.close()


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default=os.environ.get("PHANTOM_CHROMIUM") or shutil.which("chromium"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ph-") as name, sync_playwright() as playwright:
        run, url = begin(Path(name))
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        try:
            page = open_page(browser, f"{url}#/trades", DESK, is_dark=True)
            until(lambda: len(page.evaluate("window.__phantom.facts().attempts")) >= 5)
            page.wait_for_timeout(500)
            take(page, "trades")
            page.close()
            page = open_page(browser, f"{url}#/why", DESK, is_dark=False)
            page.locator("h1").wait_for()
            page.wait_for_timeout(1_500)
            take(page, "why")
            page.close()
            take_galaxy(browser, url, "galaxy-dark", DESK, is_dark=True)
            take_galaxy(browser, url, "galaxy-light", DESK, is_dark=False)
            take_galaxy(browser, url, "galaxy-phone", PHONE, is_dark=True)
        finally:
            browser.close()
            run.terminate()
            run.wait()


if __name__ == "__main__":
    main()
