"""One UI on one home and one browser for all stories; a screenshot of the page where a story fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assets.automation.launch import run_import_job
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.accepting_pulls import accept
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.settings.home import Home
from tests.chromium import QUIET, find_chromium, serving
from tests.connected import connect_fake
from tests.environment import keep_only_ours
from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Machines that run tests are busy: a story takes seconds, yet may have to wait for its turn.
MILLISECONDS = 180_000
FILE = (
    "first_name,last_name,email,city,state,country\n"
    "Ada,Canaryname,ada@canary.example,Sydney,NSW,AU\n"
    "Bob,,bob@canary.example,Sydney,Canarystate,AU\n"
    "Ada,Again,ADA@canary.example,Sydney,NSW,AU\n"
)
_FAILED = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Ui:
    """A running UI and what it shows."""

    url: str
    home: Home
    finished: str
    """An import of three rows, of which one is loaded."""
    broken_run: str
    """A run whose last step failed; what it failed of is mended."""
    refused: str
    """An import that was refused for its header."""
    pulled: str
    """A finished import from QuickBooks."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember whether a test failed, for the fixture that takes the screenshot."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report  # type: ignore[return-value]


@pytest.fixture(scope="module")  # closed when the stories are told: an open UI works on
def browser() -> Iterator["Browser"]:
    """Debian's chromium, without a window."""
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium on this machine; on Debian and Ubuntu: apt install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Page"]:
    """An empty page in a profile of its own."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    yield page
    if request.node.stash.get(_FAILED, False):
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        print(f"the page as it was: {tmp_path / 'page.png'}")  # noqa: T201 - pytest shows it with the failure
    context.close()


@pytest.fixture(scope="module")  # closed when the stories are told: an open UI works on
def ui(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI and daemon on a home with four imports; the inbox is off, so that it waits for a person."""
    folder = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as environment:
        keep_only_ours(environment)
        installation = open_installation(Home(folder / "home"))
        try:
            finished, broken = _finished(installation, folder), _broken(installation, folder)
            refused, pulled = _refused(installation, folder), _pulled(installation)
        finally:
            installation.target.dispose()
        installation.home.settings_file.write_text("[inbox]\nenabled = false\n", encoding="utf-8")
        with serving(installation.home) as url:
            yield Ui(url, installation.home, finished, broken, refused, pulled)


def _finished(installation: Installation, folder: Path) -> str:
    file = folder / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    assert run_import_job(installation.home, import_id).success
    return import_id


def _refused(installation: Installation, folder: Path) -> str:
    file = folder / "refused.csv"
    file.write_text(FILE.replace("email", "shoe size"), encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    assert not run_import_job(installation.home, import_id).success
    return import_id


def _pulled(installation: Installation) -> str:
    with running(FakeQuickBooks()) as fake, pytest.MonkeyPatch.context() as environment:
        for name, value in fake.environment().items():
            environment.setenv(name, value)
        fake.add(3, is_plain=True)
        connect_fake(fake, installation.home, installation.target)
        import_id = accept(installation, "quickbooks", None, accepted_by="test").record.import_id
        assert run_import_job(installation.home, import_id, source="quickbooks").success
    return import_id


def _broken(installation: Installation, folder: Path) -> str:
    """Import a file whose failed rows cannot be written, mend that, and return the run."""
    file = folder / "more.csv"
    file.write_text(FILE.replace("ada@", "eve@").replace("ADA@", "EVE@"), encoding="utf-8")
    import_id = accept_upload(installation, file).record.import_id
    installation.failed_rows_path(import_id).mkdir()
    outcome = run_import_job(installation.home, import_id)
    assert not outcome.success
    installation.failed_rows_path(import_id).rmdir()
    return outcome.run_id
