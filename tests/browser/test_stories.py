"""What people do in the UI, in a real browser: find an import, see its failed rows, launch one, execute one again."""

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionStatus

from assets.runtime.instance import open_instance
from etl_customers.settings.home import Home
from tests.browser.conftest import MILLISECONDS, Ui
from tests.chromium import serving
from tests.full_form import FULL

if TYPE_CHECKING:
    from playwright.sync_api import Page


CANARIES = ("canary", "Canary", "customers.csv", "more.csv")
IMPORT = "csv-20991231T235959Z-{}"
ADD_PARTITION = """mutation { addDynamicPartition(partitionsDefName: "imports", partitionKey: "KEY", repositorySelector:
    {repositoryName: "__repository__", repositoryLocationName: "etl_customers"}) { __typename } }"""
ASK = """([url, method, type, body]) => fetch(url, {method, body, headers: type ? {"content-type": type} : {},
    mode: type === "application/json" ? "cors" : "no-cors"}).then(reply => reply.text()).catch(error => "refused")"""


def test_a_person_finds_an_import_among_the_partitions_and_sees_its_failed_rows(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    page.goto(f"{ui.url}/assets/failed_rows?view=partitions")
    page.get_by_placeholder("Filter by name").fill(ui.finished[-8:])
    page.get_by_text(ui.finished[-8:]).first.click()
    expect(page).to_have_url(re.compile(f"partition={ui.finished}"))
    expect(page.get_by_text("Materialized", exact=True)).to_be_visible()
    table = page.get_by_role("table").filter(has=page.get_by_text("last_name is empty; fill it in"))
    expect(table.last).to_contain_text("duplicate_in_file")
    expect(table.last).to_contain_text("unknown_state")
    text = page.content()
    assert not [canary for canary in CANARIES if canary in text]


def test_a_person_imports_a_file_of_the_inbox_from_the_launchpad(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    (ui.home.inbox / "people.csv").write_text(
        "first_name,last_name,email,city\nUna,Launch,una@example.com,Sydney\n", encoding="utf-8"
    )
    page.goto(f"{ui.url}/locations/etl_customers/jobs/import_inbox_file/playground")
    expect(page.get_by_text("NAME.csv")).to_be_visible()
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("ops: {import_file: {config: {file_name: people.csv}}}")
    expect(page.get_by_text("No errors")).to_be_visible()
    page.get_by_role("button", name="Launch Run").click()
    expect(page).to_have_url(re.compile("/runs/"))
    expect(page).to_have_title(re.compile("SUCCESS"))
    assert not (ui.home.inbox / "people.csv").exists()
    (done,) = ui.home.inbox_done.iterdir()
    page.goto(f"{ui.url}/assets/loaded_customers?view=partitions&partition={done.name.partition('--')[0]}")
    expect(page.get_by_text("Materialized", exact=True)).to_be_visible()


def test_a_person_executes_a_failed_run_again_from_its_failure(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    page.goto(f"{ui.url}/runs/{ui.broken_run}")
    expect(page.get_by_text("Failure", exact=True).first).to_be_visible()
    again = page.get_by_role("button", name="Re-execute")
    expect(again).to_be_visible()
    again.locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="From failure").click()
    expect(page).not_to_have_url(re.compile(ui.broken_run))
    expect(page).to_have_title(re.compile("SUCCESS"))
    with open_instance(ui.home) as instance:
        run = instance.get_run_by_id(page.url.rpartition("/")[2].partition("?")[0])
        assert run is not None
        assert run.parent_run_id == ui.broken_run
        assert {step.step_key for step in instance.get_run_step_stats(run.run_id)} == {"failed_rows"}


def test_a_page_of_another_site_changes_nothing(page: "Page", ui: Ui, other_site: str) -> None:
    page.goto(ui.url)
    own = ADD_PARTITION.replace("KEY", IMPORT.format("0000000a"))
    assert "AddDynamicPartitionSuccess" in ask(page, f"{ui.url}/graphql", "POST", "application/json", own)
    page.goto(other_site)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    foreign = ADD_PARTITION.replace("KEY", IMPORT.format("0000000b"))
    for method, content_type in (("POST", "application/json"), ("POST", "text/plain"), ("GET", "")):
        assert "Success" not in ask(page, f"{ui.url}/graphql", method, content_type, foreign)
    assert sent == ["POST", "POST", "GET"]
    assert IMPORT.format("0000000b") not in partitions_of(ui.home)
    with open_instance(ui.home) as instance:
        instance.delete_dynamic_partition("imports", IMPORT.format("0000000a"))  # other stories materialize all of them


def test_the_read_only_ui_shows_imports_and_offers_no_launch(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    with serving(ui.home, "--read-only") as url:
        page.goto(f"{url}/runs/{ui.broken_run}")
        expect(page.get_by_text("Failure", exact=True).first).to_be_visible()
        expect(page.get_by_role("button", name="Re-execute")).to_be_disabled()
        page.goto(f"{url}/assets/loaded_customers?view=partitions&partition={ui.finished}")
        expect(page.get_by_text("Materialized", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Materialize")).to_be_disabled()
        mutation = ADD_PARTITION.replace("KEY", IMPORT.format("0000000c"))
        assert "AddDynamicPartitionSuccess" not in ask(page, f"{url}/graphql", "POST", "application/json", mutation)
        assert IMPORT.format("0000000c") not in partitions_of(ui.home)


def test_a_refused_upload_says_why_on_its_partition_and_no_stage_is_red(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    for asset in ("raw_csv", "loaded_customers"):
        page.goto(f"{ui.url}/assets/{asset}?view=partitions&partition={ui.refused}")
        expect(page.get_by_text("the header has unknown columns")).to_be_visible()
        expect(page.get_by_text("unknown_columns", exact=True)).to_be_visible()
        expect(page.get_by_text("did not materialize this asset")).to_have_count(0)


@pytest.mark.skipif(not FULL, reason="a run per partition takes minutes: make faults")
def test_everything_materialized_for_all_partitions_ends_well_and_changes_nothing(page: "Page", ui: Ui) -> None:
    from playwright.sync_api import expect

    page.goto(f"{ui.url}/locations/etl_customers/asset-groups/customers")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Launch backfill").click()
    assert wait_for_backfill(ui.home) == BulkActionStatus.COMPLETED_SUCCESS
    page.goto(f"{ui.url}/assets/xero_customers?view=partitions&partition={ui.pulled}")
    expect(page.get_by_text("is from QuickBooks Online, and this asset reads Xero only")).to_be_visible()
    expect(page.get_by_text("Failed (0)")).to_be_visible()
    page.goto(f"{ui.url}/assets/loaded_customers?view=partitions&partition={ui.pulled}")
    expect(page.get_by_text("Materialized", exact=True)).to_be_visible()
    expect(page.get_by_text("Failed (0)")).to_be_visible()


@pytest.fixture
def other_site() -> Iterator[str]:
    """The URL of a page that is served by somebody else."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def ask(page: "Page", url: str, method: str, content_type: str, query: str) -> str:
    """Have a page fetch an answer from the UI's GraphQL interface, as its scripts could."""
    import json
    from urllib.parse import quote

    if method == "GET":
        answer: str = page.evaluate(ASK, [f"{url}?query={quote(query)}", method, content_type, None])
    else:
        answer = page.evaluate(ASK, [url, method, content_type, json.dumps({"query": query})])
    return answer


def wait_for_backfill(home: Home) -> BulkActionStatus:
    """Return how the only backfill ended."""
    deadline = time.monotonic() + 2 * MILLISECONDS / 1000
    with open_instance(home) as instance:
        while True:
            found = instance.get_backfills()
            if found and found[0].status in BULK_ACTION_TERMINAL_STATUSES:
                return found[0].status
            assert time.monotonic() < deadline
            time.sleep(1)


def partitions_of(home: Home) -> list[str]:
    """Return the imports that Dagster knows."""
    with open_instance(home) as instance:
        return list(instance.get_dynamic_partitions("imports"))
