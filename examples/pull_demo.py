"""Pull customers from QuickBooks Online and Xero without an account at either: ``make pull``.

Starts the fakes of the tests on loopback, connects to them as to the real ones, pulls, changes
some customers there, and pulls again; every step is a command that a user types. The customers
end in a new home, or in the folder that PULL_HOME names, and stay there to be looked at.
"""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.fakes.provider_server import running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero

_COMMAND = str(Path(sys.executable).with_name("etl-customers"))
_CUSTOMERS = 40
_ORDINARY = 30
"""From here on come some of whom nothing is peculiar."""


def main() -> int:
    """Show it for both providers; return 0, or 1 where a command did not do what it should."""
    home = Path(os.environ.get("PULL_HOME") or tempfile.mkdtemp(prefix="etl-customers-pull-")).absolute()
    with running(FakeQuickBooks()) as quickbooks, running(FakeXero()) as xero:
        quickbooks.region, xero.region = "CA", "New York"
        environment = _environment(home, quickbooks, xero)
        try:
            _show(quickbooks, lambda: _change_quickbooks(quickbooks), environment)
            _show(xero, lambda: _change_xero(xero), environment)
            _run(environment, "connections")
        except _Unexpected as problem:
            print(problem, file=sys.stderr)
            return 1
    looks = [shlex.join([_COMMAND, *words, "--home", str(home)]) for words in (("customers", "list"), ("imports",))]
    print(f"\nThe home is {home}; look at it with:", *looks, sep="\n  ")
    return 0


class _Unexpected(Exception):
    """A command ended otherwise than it should."""


def _show(fake: FakeQuickBooks | FakeXero, change: Callable[[], None], environment: dict[str, str]) -> None:
    """Connect, pull, change some customers at the provider, pull what changed, and pull all once more."""
    # The customers are of yesterday, so that the second pull need not ask for them; by then the token has expired.
    fake.clock.advance(days=-1)
    fake.add(_CUSTOMERS)
    fake.clock.advance(hours=22)
    _connect(fake, environment)
    _run(environment, "pull", fake.provider)
    fake.clock.advance(hours=2)
    change()
    _run(environment, "pull", fake.provider)
    _run(environment, "pull", fake.provider, "--full")


def _change_quickbooks(fake: FakeQuickBooks) -> None:
    first, second, third, fourth = list(fake.records)[_ORDINARY : _ORDINARY + 4]
    _say("At QuickBooks Online one customer marries, one is made inactive, one is merged into another, and two come.")
    fake.change(first, FamilyName="Married")
    fake.deactivate(second)
    fake.merge(third, fourth)
    fake.add(2, is_plain=True)


def _change_xero(fake: FakeXero) -> None:
    first, second, third, fourth, fifth = list(fake.records)[_ORDINARY : _ORDINARY + 5]
    _say("At Xero one contact moves house, one is archived, one merged into another, one is to be forgotten; two come.")
    address = fake.records[first]["Addresses"][0] | {"AddressLine1": "1 New Street"}
    fake.change(first, Addresses=[address])
    fake.deactivate(second)
    fake.merge(third, fifth)
    fake.change(fourth, ContactStatus="GDPRREQUEST")
    fake.add(2, is_plain=True)


def _connect(fake: FakeQuickBooks | FakeXero, environment: dict[str, str]) -> None:
    """Connect as a user does; in the place of a browser the address is opened here, where the fake agrees at once."""
    words = ["connect", fake.provider]
    _say(f"$ etl-customers {shlex.join(words)}")
    with subprocess.Popen([_COMMAND, *words], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith(fake.url):
                with urllib.request.urlopen(line.strip(), timeout=30) as page:  # noqa: S310 - loopback
                    page.read()
    if process.returncode != 0:
        raise _Unexpected(f"connecting ended with {process.returncode}")


def _run(environment: dict[str, str], *words: str) -> None:
    _say(f"$ etl-customers {shlex.join(words)}")
    code = subprocess.run([_COMMAND, *words], env=environment, check=False).returncode
    if code not in (0, 1):  # 1: some customers are not synced, and the report says why
        raise _Unexpected(f"etl-customers {shlex.join(words)} ended with {code}")


def _say(line: str) -> None:
    print(f"\n{line}", flush=True)


def _environment(home: Path, *fakes: FakeQuickBooks | FakeXero) -> dict[str, str]:
    """Return this environment without anything that leads to the user's own customers or accounts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ETL_CUSTOMERS_")}
    kept |= {"ETL_CUSTOMERS_HOME": str(home), "BROWSER": "true"}  # a command that does nothing
    for fake in fakes:
        kept |= fake.environment()
        address = f"http://localhost:{_free_port()}/callback"
        kept[f"ETL_CUSTOMERS_{fake.provider.upper()}__REDIRECT_URI"] = address
    return kept


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


if __name__ == "__main__":
    raise SystemExit(main())
