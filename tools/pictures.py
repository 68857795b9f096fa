"""Make the pictures of README and docs from the real thing: ``make pictures``, which needs chromium.

A terminal becomes an SVG, text and all; a page of the UI becomes a PNG. Both tell the story in ``tools.story``.
"""

import re
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.text import Text

from etl_customers.settings.home import Home
from tests.chromium import QUIET, find_chromium, serving
from tools.story import CORRECT, HOME, IMPORT, IMPORT_CORRECTED, ROOT, Story, plain

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = ROOT / "docs/pictures"
MOST_BYTES = 150_000
WIDTH = 1440
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_MILLISECONDS = 120_000
_TO_THE_TOP = "table => table.closest('td').parentElement.scrollIntoView({block: 'start'})"
# The times that a page shows are other ones each day, and so are the ids of imports.
_STEADY = """([ids, at]) => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode;
        for (const [found, shown] of Object.entries(ids)) {
            if (node.data.includes(found)) node.data = node.data.replaceAll(found, shown);
        }
        node.data = node.data.replace(/[A-Z][a-z]{2} \\d{1,2}, \\d{1,2}:\\d\\d [AP]M/, at).replace(/\\w+ (second|minute)s? ago/, at);
    }
}"""


def main() -> int:
    """Write all pictures; return 0, or 1 where there is no chromium."""
    if find_chromium() is None:
        print("no chromium on this machine; on Debian and Ubuntu: apt install chromium", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="etl-customers-pictures-") as folder:
        story = Story(Path(folder)).begin()
        (PICTURES / "result.svg").write_text(terminal(IMPORT, story.run(IMPORT, expected=1)), encoding="utf-8")
        take_pages(Home(story.folder / HOME), story.ids)
        story.run(CORRECT, expected=0)
        said = story.run(IMPORT_CORRECTED, expected=1)
        (PICTURES / "corrected.svg").write_text(terminal(IMPORT_CORRECTED, said), encoding="utf-8")
    for picture in sorted(PICTURES.iterdir()):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size:,} bytes")
    return 0


def terminal(command: str, said: str) -> str:
    """Return a picture of a terminal, as SVG: a command and what it printed."""
    lines = [Text.assemble(("$ ", "green"), (command, "bold"))]
    lines += AnsiDecoder().decode("\n".join(line.rstrip() for line in said.splitlines()))
    width = max(len(line) for line in plain("\n".join(line.plain for line in lines)).splitlines())
    screen = Console(file=StringIO(), record=True, width=width + 1, force_terminal=True, color_system="truecolor")
    for line in lines:
        line.rstrip()
        screen.print(line, soft_wrap=True)
    # No font from elsewhere: who looks at a picture asks no third party for anything.
    form = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", _FONTS).replace("font-family: arial", "font-family: sans-serif")
    form = re.sub(r"\s*<!--.*?-->", "", form)
    picture = screen.export_svg(title="etl-customers", code_format=form, unique_id="terminal")
    return "\n".join(line.rstrip() for line in picture.splitlines()).strip() + "\n"


def take_pages(home: Home, ids: dict[str, str]) -> None:
    """Take a picture of the graph of assets, and of the failed rows of the home's one import."""
    from playwright.sync_api import sync_playwright

    (import_id,) = ids
    with serving(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_context(viewport={"width": WIDTH, "height": 900}, locale="en-US").new_page()
        page.set_default_timeout(_MILLISECONDS)
        page.goto(f"{url}/locations/etl_customers/asset-groups/customers")
        page.get_by_text("Hide navigation").click()
        page.reload()  # the graph is drawn anew, as wide as it can be
        page.get_by_text("failed_rows").wait_for()
        _keep_still(page, ids)
        page.screenshot(path=PICTURES / "graph.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": 740})
        page.goto(f"{url}/assets/failed_rows?view=partitions&partition={import_id}")
        page.get_by_text("duplicate_in_file", exact=True).first.wait_for()
        _keep_still(page, ids)
        page.get_by_role("table").filter(has=page.get_by_text("duplicate_in_file")).last.evaluate(_TO_THE_TOP)
        page.screenshot(path=PICTURES / "failed-rows.png")
        browser.close()


def _keep_still(page: "Page", ids: dict[str, str]) -> None:
    """Wait until nothing of a page moves, and show what would be another each day as it always is."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2_000)
    page.evaluate(_STEADY, [ids, "Dec 1, 9:00 AM"])


if __name__ == "__main__":
    sys.exit(main())
