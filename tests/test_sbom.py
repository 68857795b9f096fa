"""The bill of materials (``make sbom``) names every package of the lock, in a form that its standard accepts."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OPTIONS = re.search(
    r"^bill = .*?cyclonedx-py (.*?)--output-file", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE | re.DOTALL
)


def test_every_package_of_the_lock_is_in_the_bill_with_its_version_and_hashes(tmp_path: Path) -> None:
    assert OPTIONS is not None
    options = OPTIONS[1].replace("\\\n", " ").replace("$(1)", "requirements.lock").split()
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", *options, "--validate", "--output-file"]
    subprocess.run([*command, str(tmp_path / "sbom.json")], cwd=ROOT, check=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_text("utf-8"))
    lock = re.findall(
        r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )
    assert len(lock) > 90
    assert sorted((one["name"], one["version"]) for one in bill["components"]) == sorted(lock)
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])
    assert bill["metadata"]["component"]["name"] == "etl-customers"
