"""Draw docs/images/tui.svg, the screen of a made-up run: run it with PYTHONPATH=tests."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tui_stage import fed

TARGET = Path(__file__).parents[1] / "docs" / "images" / "tui.svg"
SIZE = (120, 36)


async def picture() -> str:
    """Return the screen as SVG that fetches nothing: the fonts of a network are left out."""
    app, _ = fed(pools=400, steps=1_200)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.pause()
        svg = app.export_screenshot(title="phantom run --ui tui", simplify=True)
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)
    return svg.replace("font-family: Fira Code, monospace", "font-family: monospace")


def main() -> None:
    """Write it."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(asyncio.run(picture()), encoding="utf-8")


if __name__ == "__main__":
    main()
