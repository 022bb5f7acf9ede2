"""What the dashboard's pages cost a browser: first paint, frame times, time in scripts, memory, size.

    python benchmarks/galaxy.py --pools 2000 --rate 1000 --seconds 10

Starts a made-up run (`tests/telemetry_samples.py`), the dashboard's server, and headless Chromium, which
draws WebGL in software. Needs playwright and `make web`. Frame times are those of the browser's animation
frames; scripts' are what our own code took of each.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

REPOSITORY = Path(__file__).parents[1]
STATIC = REPOSITORY / "src" / "phantom_arbiter" / "galaxy" / "static"
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
LAID_OUT_WITHIN_S = 60


def start(folder: Path, pools: int, rate: int) -> tuple[list[subprocess.Popen[str]], str]:
    """Start a run and its dashboard; return both and the dashboard's address."""
    paths = os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths}
    socket = folder / "run.sock"
    sample = [sys.executable, str(REPOSITORY / "tests" / "telemetry_samples.py"), str(socket)]
    run = subprocess.Popen([*sample, "--pools", str(pools), "--rate", str(rate)], env=environment, text=True)
    while not socket.exists():
        time.sleep(0.05)
    dashboard = subprocess.Popen(
        [sys.executable, "-m", "phantom_arbiter.galaxy", str(socket)],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert dashboard.stdin is not None
    assert dashboard.stderr is not None
    dashboard.stdin.write('{"port": 0}\n')
    dashboard.stdin.flush()
    for line in dashboard.stderr:
        if found := re.search(r"http://\S+", line):
            return [run, dashboard], found[0]
    raise SystemExit("the dashboard did not start")


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(url)
    page.wait_for_selector(".facts")
    return page


def first_paint_ms(page: Page) -> float:
    question = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    while (found := page.evaluate(question)) is None:
        page.wait_for_timeout(20)
    return float(found)


def frames(page: Page, name: str, seconds: float) -> None:
    page.wait_for_timeout(1_000)
    page.evaluate("__phantom.frames.start(), __phantom.frames.reset()")
    page.wait_for_timeout(seconds * 1_000)
    told = page.evaluate("__phantom.frames.summary()")
    print(
        f"{name:22s} {told['fps']:6.1f} fps   frame p50 {told['p50_ms']:6.1f} p95 {told['p95_ms']:6.1f} ms   "
        f"script p50 {told['script_p50_ms']:5.2f} p95 {told['script_p95_ms']:5.2f} ms"
    )


def measure(browser: Browser, url: str, seconds: float) -> None:
    paints = []
    for _ in range(5):
        page = opened(browser, url)
        paints.append(first_paint_ms(page))
        page.context.close()
    print("first contentful paint", " ".join(f"{paint:.0f}" for paint in sorted(paints)), "ms")
    page = opened(browser, url)
    for name in ("why", "opportunities", "trades"):
        page.evaluate(f"location.hash = '#/{name}'")
        frames(page, name, seconds)
    page.evaluate("location.hash = '#/galaxy'")
    began = time.monotonic()
    while page.evaluate("__phantom.galaxy?.facts().is_arranging ?? true"):
        page.wait_for_timeout(50)
        if time.monotonic() - began > LAID_OUT_WITHIN_S:
            raise SystemExit("the galaxy was not laid out")
    print(f"galaxy laid out after  {time.monotonic() - began:.1f} s")
    before = page.evaluate("__phantom.galaxy.facts()")
    frames(page, "galaxy", seconds)
    after = page.evaluate("__phantom.galaxy.facts()")
    print(
        f"  {after['stars']} stars, {after['pools']} pools, {len(after['lit'])} cycles open; "
        f"sigma drew {after['renders'] - before['renders']} times, "
        f"cycles {after['lit_draws'] - before['lit_draws']} times"
    )
    for tab in ("tokens", "pools"):
        page.click(f"#tab-{tab}")
        frames(page, f"galaxy, {tab} listed", seconds)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = page.evaluate("performance.memory.usedJSHeapSize")
    print(f"JavaScript heap        {heap / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pools", type=int, default=2_000)
    parser.add_argument("--rate", type=int, default=1_000, help="updates per second")
    parser.add_argument("--seconds", type=float, default=10, help="for each figure")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    for kind in (".br", ".gz"):
        size = sum(path.stat().st_size for path in files if path.suffix == kind)
        print(f"pages, compressed {kind}  {size / 1e3:.0f} kB")
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        processes, url = start(Path(folder), arguments.pools, arguments.rate)
        try:
            browser = playwright.chromium.launch(
                executable_path=arguments.chromium,
                args=["--no-sandbox", "--enable-precise-memory-info", *SOFTWARE_GL],
            )
            measure(browser, url, arguments.seconds)
            browser.close()
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
