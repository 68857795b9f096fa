"""The edge between the engine and Dagster: which import a run is for, and errors as plain failures.

Dagster keeps in clear whatever a step raises, so nothing passes this edge that could
hold a customer's value: our errors as their message, all others as type and place.
What is no failure at all, because there is nothing to do, is in ``endings``.
"""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from assets.display.endings import CODE, NothingToDo, Refused
from assets.display.import_facts import record_of, tag_run, tell_history, tell_refusal
from assets.runtime.progress import LISTENER
from assets.runtime.resources import InstallationResource
from etl_customers.base.errors import EtlCustomersError, PullRefused, UploadRefused, UsageError, error_code
from etl_customers.database.connect import reading
from etl_customers.database.ledger import REFUSED, UNDONE, ImportRecord, find_import
from etl_customers.imports.installation import Installation
from etl_customers.imports.stage_gate import AlreadyRefused, ImportUndone, PullAlreadyRefused
from schemas.sources import LABELS

EXIT_CODE = "exit_code"
_KEY = re.compile(r"(?P<source>[a-z]+)-\d{8}T\d{6}Z-[0-9a-f]{8}(-[0-9a-z]+)*")


@contextmanager
def stage_of(
    context: dg.AssetExecutionContext, resource: InstallationResource, source: str | None = None
) -> Iterator[tuple[Installation, str]]:
    """Yield the open installation and the import's id; what goes wrong inside becomes a ``dg.Failure``.

    Args:
        context: Of an asset that is partitioned by imports.
        resource: Opens the installation.
        source: The only source that the asset reads, such as ``csv``; None: any.

    Raises:
        NothingToDo: The import is of another source, or was refused or undone before.
        Refused: The asset has refused it just now.
        dg.Failure: With the message of the error, never retried by itself; its metadata
            has ``exit_code`` and ``code`` for the command line.
    """
    import_id = context.partition_key
    listener = LISTENER.get()
    if listener is not None:
        listener.stage(context.asset_key.path[-1])
    with failures_as_messages():
        of_import = _source_of(import_id)
        with resource.opened() as installation:
            record = _find(installation, import_id)
            if source is not None and of_import != source:
                raise NothingToDo(
                    f"nothing to read: import {import_id} is from {LABELS[of_import]}, and this asset reads "
                    f"only {LABELS[source]}"
                )
            try:
                yield installation, import_id
            except (AlreadyRefused, PullAlreadyRefused, ImportUndone):
                tag_run(context, installation, record)
                raise NothingToDo(_ended(record)) from None
            except (UploadRefused, PullRefused, UsageError) as error:
                record = record_of(installation, import_id)
                tag_run(context, installation, record)
                if record.status == REFUSED:
                    tell_refusal(context, record, str(error))
                    tell_history(context, installation)
                    raise Refused(str(error), _failure(str(error), error_code(error), error.exit_code)) from None
                raise


def _source_of(import_id: str) -> str:
    match = _KEY.fullmatch(import_id)
    if match is None or match["source"] not in LABELS:
        raise _failure(
            "the partition key is not the id of an import; to make an import, run: etl-customers import FILE, "
            "or etl-customers pull PROVIDER",
            "not_found",
        )
    return match["source"]


def _find(installation: Installation, import_id: str) -> ImportRecord:
    with reading(installation.target) as connection:
        record = find_import(connection, import_id)
    if record is None:
        raise _failure(f"the target database has no import {import_id}; see: etl-customers imports", "not_found")
    return record


def _ended(record: ImportRecord) -> str:
    if record.status == UNDONE:
        return f"nothing to do: import {record.import_id} was undone and loads nothing now"
    return (
        f"nothing to do: import {record.import_id} was refused ({record.refusal_code or REFUSED}): "
        f"{record.refusal_message or 'its upload is gone'}"
    )


@contextmanager
def failures_as_messages() -> Iterator[None]:
    """Turn any error raised inside into a ``dg.Failure`` that Dagster may store; for code outside of an import's stages."""
    try:
        yield
    except (dg.Failure, NothingToDo, Refused):
        raise
    except EtlCustomersError as error:
        raise _failure(str(error), error_code(error), error.exit_code) from None
    except (KeyboardInterrupt, SystemExit, GeneratorExit, dg.DagsterExecutionInterruptedError):
        raise
    except BaseException as error:  # noqa: BLE001 - the outermost edge: libraries print customers' values
        # A panic of Polars is no Exception, and Dagster would keep its text.
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise _failure(
            f"this is a bug: {type(error).__name__} at {place.name}, line {place.lineno}; the rest is not shown, "
            "because it could hold customers' values",
            "bug",
            70,
        ) from None


def _failure(message: str, code: str, exit_code: int = 2) -> dg.Failure:
    return dg.Failure(message, metadata={CODE: code, EXIT_CODE: exit_code}, allow_retries=False)
