"""How a stage ends that made nothing, in words on its partition; also without a failure, where there was nothing to do.

Whoever materializes everything did nothing wrong: a source asset that has nothing to
read of another source's import, and every stage of an import that was refused or undone,
is materialized with the words, for a backfill fails where a partition is not made. The
asset that refuses an import, and the stages after it, are materialized with the reason,
too, before its run fails: a partition's page shows nothing but materializations.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import dagster as dg

from assets.runtime.resources import InstallationResource

_Result = dg.MaterializeResult[None]
_Stage = Callable[[dg.AssetExecutionContext, InstallationResource], _Result]

CODE = "code"
"""Metadata: the code of an error."""
_LOOKED_AT = 10
"""Entries of a check's history."""
_WORDS = "nothing_to_do"
"""Metadata: why there was nothing to do."""


class NothingToDo(Exception):
    """The import is of another source, or ended before: no stage of it is run again."""


class Refused(Exception):
    """The import was refused in this stage; ``failure`` is what its run ends with."""

    def __init__(self, why: str, failure: dg.Failure) -> None:
        super().__init__(why, failure)
        self.why, self.failure = why, failure


def ends_in_words(
    stage: _Stage,
) -> Callable[[dg.AssetExecutionContext, dg.ResourceParam[InstallationResource]], Iterator[_Result]]:
    """Return the stage as Dagster runs it: where it made nothing, its partition or its checks say why."""

    @wraps(stage)
    def run(
        context: dg.AssetExecutionContext, installation: dg.ResourceParam[InstallationResource]
    ) -> Iterator[_Result]:
        try:
            result = stage(context, installation)
        except NothingToDo as why:
            context.log.info("%s", why)
            yield dg.MaterializeResult(metadata={_WORDS: str(why)}, check_results=_as_before(context, str(why)))
        except Refused as refused:
            code = refused.failure.metadata[CODE]
            yield dg.MaterializeResult(
                metadata={"refused": refused.why, CODE: code},
                check_results=_failed(context, refused.why),
            )
            raise refused.failure from None
        else:
            yield result

    return run


def _as_before(context: dg.AssetExecutionContext, why: str) -> list[dg.AssetCheckResult]:
    """Return the warnings that stand, all other checks as passed: they have no partition, and nothing was found out.

    What blocks is of one import alone, and would keep the stages after it from saying that there is nothing to do.
    """
    found = []
    for key in sorted(context.selected_asset_check_keys):
        before = _last_evaluation(context.instance, key)
        if before is None or before.passed or before.severity is not dg.AssetCheckSeverity.WARN:
            found.append(_result(key, why, passed=True, metadata={_WORDS: why}))
            continue
        standing = {**before.metadata, _WORDS: why}
        found.append(
            _result(key, before.description or why, passed=False, metadata=standing)._replace(severity=before.severity)
        )
    return found


def _last_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation | None:
    """Return what a check said last; that it is about to say something now is in its history, too."""
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=_LOOKED_AT)
    said = (record.event.asset_check_evaluation for record in history if record.event is not None)
    return next((one for one in said if one is not None), None)


def _failed(context: dg.AssetExecutionContext, why: str) -> list[dg.AssetCheckResult]:
    keys = sorted(context.selected_asset_check_keys)
    return [_result(key, why, passed=False, metadata={"refused": why}) for key in keys]


def _result(key: dg.AssetCheckKey, why: str, *, passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=key.name, asset_key=key.asset_key, passed=passed, description=why, metadata=metadata
    )
