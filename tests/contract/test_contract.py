"""What ``make contract`` says, with a server of the tests in the place of Prism."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.contract.declared import declared_parameters
from tests.contract.prism import Missing, require, running_prism
from tests.contract.xero import look, main
from tests.fakes.loopback import Answer, Request, as_json
from tests.fakes.provider_server import FakeProvider, running

QUERY = frozenset({"page", "pageSize", "order", "includeArchived", "where"})
ALL = {"/Contacts": QUERY, "/Organisation": frozenset[str]()}
CONTACTS = [
    {"ContactID": "5cc8cf28-567e-4d43-b287-687cfcaec47c", "ContactStatus": "ACTIVE", "Name": "Katherine Example"},
    {"ContactID": "3ec601ad-eddc-4ccb-a8ac-736e88293b1b", "ContactStatus": "ACTIVE", "Name": "Lisa Example"},
]
SPEC = """
openapi: 3.0.0
paths:
  /Contacts:
    parameters:
      - $ref: '#/components/parameters/requiredHeader'
    get:
      parameters:
        - $ref: '#/components/parameters/page'
        - {in: query, name: where}
  /Reports:
    post: {}
components:
  parameters:
    requiredHeader: {in: header, name: xero-tenant-id}
    page: {in: query, name: page}
"""


class Examples(FakeProvider):
    """Answers with examples, as texts of JSON like Xero's file has them; some requests are refused."""

    def __init__(self, contacts: object, refused: str = "") -> None:
        super().__init__()
        self.contacts, self.refused = contacts, refused

    def kind_of(self, request: Request) -> str:
        return request.path

    def respond(self, kind: str, request: Request) -> Answer:
        if self.refused and self.refused in request.parameters:
            told = [{"location": ["query", self.refused], "message": "must not be there"}]
            return as_json({"title": "Invalid request", "status": 422, "validation": told}, 422)
        organisation = {"Organisations": [{"Name": "Example", "CountryCode": "NZ"}]}
        contacts = {"DateTimeUTC": "/Date(1551399323399)/", "Contacts": self.contacts}
        return as_json(json.dumps(organisation if kind == "/Organisation" else contacts))

    def sign(self, kind: str, answer: Answer) -> None:
        """Sign nothing."""


def test_requests_that_the_file_allows_and_examples_that_can_be_read_keep_the_contract() -> None:
    with running(Examples(CONTACTS)) as examples:
        seen = look(examples.url, ALL)
    assert (seen.is_kept, seen.fetched, seen.invalid, seen.problems) == (True, 4, 0, [])
    told = " / ".join(one.what for one in seen.asked)
    assert "GET /api.xro/2.0/Contacts since page=1 pageSize=1000 order=ContactID includeArchived=true" in told
    assert "where=IsCustomer==true AND IsSupplier==true" in told


def test_a_request_that_is_refused_breaks_the_contract_and_says_by_what() -> None:
    with running(Examples(CONTACTS, refused="where")) as examples:
        seen = look(examples.url, ALL)
    assert not seen.is_kept
    refused = [one for one in seen.asked if not one.is_allowed]
    assert {one.violations for one in refused} == {("query.where: must not be there",)}
    assert seen.fetched == 4


def test_a_parameter_that_the_file_does_not_have_breaks_the_contract() -> None:
    with running(Examples(CONTACTS)) as examples:
        seen = look(examples.url, {**ALL, "/Contacts": QUERY - {"pageSize"}})
    assert not seen.is_kept
    assert {told for one in seen.asked for told in one.violations} == {"query.pageSize: the file has no such parameter"}


def test_an_example_with_another_form_breaks_the_contract() -> None:
    with running(Examples([CONTACTS[0], CONTACTS[1] | {"Name": ["Lisa"]}])) as examples:
        seen = look(examples.url, ALL)
    assert (seen.is_kept, seen.fetched, seen.invalid) == (False, 4, 2)


def test_parameters_of_the_query_are_read_from_the_file(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    assert declared_parameters(spec) == {"/Contacts": {"page", "where"}}
    spec.write_text("no: paths", encoding="utf-8")
    with pytest.raises(Missing, match="is no OpenAPI file"):
        declared_parameters(spec)


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([""]) == 2
    assert "make contract SPEC=FILE" in capsys.readouterr().err
    assert main([str(tmp_path / "none.yaml")]) == 2
    assert "there is no file" in capsys.readouterr().err
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    with pytest.raises(Missing, match=r"install Node\.js 18 or newer"):
        require(str(spec), path=str(tmp_path))


def test_a_prism_that_does_not_start_is_said_with_its_own_words(tmp_path: Path) -> None:
    npx = tmp_path / "npx"
    npx.write_text("#!/bin/sh\necho the registry cannot be reached >&2\nexit 1\n", encoding="utf-8")
    npx.chmod(0o700)
    with (
        tempfile.TemporaryFile() as log,
        pytest.raises(Missing, match="the registry cannot be reached"),
        running_prism(tmp_path, str(npx), log),
    ):
        pass
