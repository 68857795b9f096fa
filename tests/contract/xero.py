"""Holds what is asked of Xero against its OpenAPI file, and reads the examples that the file answers with.

``make contract SPEC=FILE``, for whoever has the file. What comes of paging and of times is for the
stand-ins: Prism answers with the same example whatever is asked.
"""

import os
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_customers.base.errors import EtlCustomersError, ProviderUnavailable
from etl_customers.connections.counting import Counter
from etl_customers.connections.looking import ask_company
from etl_customers.connections.sending import PATIENCE
from etl_customers.connections.tokens import open_tokens
from etl_customers.database.connect import reading
from etl_customers.database.ledger import require_import
from etl_customers.imports import accepting_pulls, whole
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.report.pull_result import pull_result_of
from etl_customers.settings.home import Home
from etl_customers.validate.places import load_places
from schemas.codes import INVALID_RECORD
from schemas.sources import XERO
from tests.connected import connect_fake
from tests.contract.declared import declared_parameters
from tests.contract.prism import Missing, require, running_prism
from tests.contract.specified import Asked, SpecifiedXero
from tests.fakes.provider_server import running


@dataclass(frozen=True)
class Seen:
    """What came of asking."""

    asked: Sequence[Asked]
    fetched: int
    invalid: int
    """Of these, records that have not the form that we take for Xero's."""
    problems: Sequence[str]
    """What could not be read."""

    @property
    def is_kept(self) -> bool:
        """Whether both sides keep to the file."""
        return all(one.is_allowed for one in self.asked) and not self.invalid and not self.problems and self.fetched > 0


def main(words: Sequence[str]) -> int:
    """Check, and print what was seen; return 0, 1 where something does not agree, or 2 where something is missing."""
    try:
        spec, npx = require(words[0] if words else "")
        declared = declared_parameters(spec)
        _say(f"starting Prism over {spec}; npx fetches it the first time, which takes a minute")
        with tempfile.TemporaryFile() as log, running_prism(spec, npx, log) as prism:
            seen = look(prism, declared)
    except Missing as missing:
        sys.stderr.write(f"error: {missing}\n")
        return 2
    _say(*_lines(seen))
    return 0 if seen.is_kept else 1


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def look(prism: str, declared: Mapping[str, Collection[str]]) -> Seen:
    """Ask all that ``connect`` and pulls ask, and read the answers.

    Args:
        prism: Its address.
        declared: Which parameters of the query the file has of each path.
    """
    problems: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="etl-customers-contract-") as folder,
        running(SpecifiedXero(prism, declared)) as xero,
    ):
        before = dict(os.environ)
        os.environ.update(xero.environment())
        installation = open_installation(Home(Path(folder) / "home"))
        try:
            tenant = connect_fake(xero, installation.home, installation.target)
            _look_at_company(installation, tenant, problems)
            fetched, invalid = _pull(installation, problems)
        finally:
            installation.target.dispose()
            os.environ.clear()
            os.environ.update(before)
    return Seen(xero.asked, fetched, invalid, problems)


def _look_at_company(installation: Installation, tenant: str, problems: list[str]) -> None:
    tokens = open_tokens(installation.home, installation.settings, installation.target, XERO, tenant)
    token, places = tokens.access_token(), load_places(installation.settings.reference)
    counter = Counter(installation.settings, XERO, tenant, token, PATIENCE)
    try:
        if ask_company(installation.settings, XERO, tenant, token, places.read_state).country is None:
            problems.append("Organisation: no country")
    except ProviderUnavailable as error:
        problems.append(f"Organisation: {error.reason}")
    for count in (counter.count_all, lambda: counter.count_kinds(0)):
        try:
            count()
        except ProviderUnavailable as error:
            problems.append(f"the number of contacts: {error.reason}")


def _pull(installation: Installation, problems: list[str]) -> tuple[int, int]:
    """Pull all contacts, and then those that changed; return how many came, and how many have a wrong form."""
    fetched = invalid = 0
    for name in ("all", "changed"):
        try:
            record = accepting_pulls.accept(installation, XERO, None, accepted_by="contract").record
            whole.run_pull(installation, record.import_id)
        except EtlCustomersError as error:
            problems.append(f"contacts, {name}: {error}")
            continue
        with reading(installation.target) as connection:
            done = pull_result_of(connection, installation.home, require_import(connection, record.import_id))
        fetched += done.rows.fetched
        invalid += sum(reason.customers for reason in done.reasons if reason.code == INVALID_RECORD)
    return fetched, invalid


def _lines(seen: Seen) -> list[str]:
    lines = []
    for one in dict.fromkeys(seen.asked):
        lines.append(f"{'ok' if one.is_allowed else 'NO':<4}{one.status}  {one.what}")
        lines += [f"           {violation}" for violation in one.violations]
    lines.append(f"{seen.fetched} contacts of the file's examples were read, {seen.invalid} of them have a wrong form")
    lines += [f"NO  {problem}" for problem in seen.problems]
    return [*lines, "contract: kept" if seen.is_kept else "contract: BROKEN"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
