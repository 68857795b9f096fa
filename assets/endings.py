"""How a stage ends that made nothing, in words on its partition; also without a failure, where there was nothing to do.

Whoever materializes everything did nothing wrong: a source asset that has nothing to
read of another source's import, and every stage of an import that was refused or undone,
is materialized with the words, for a backfill fails where a partition is not made. The
asset that refuses an import, and the stages after it, are materialized with the reason,
too, before its run fails: a partition's page shows nothing but materializations.
"""

from collections.abc import Callable, Iterator
from functools import wraps

import dagster as dg

from assets.resources import WorkshopResource

_Result = dg.MaterializeResult[None]
_Stage = Callable[[dg.AssetExecutionContext, WorkshopResource], _Result]

CODE = "code"
"""Metadata: the code of an error."""
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
) -> Callable[[dg.AssetExecutionContext, dg.ResourceParam[WorkshopResource]], Iterator[_Result]]:
    """Return the stage as Dagster runs it: where it made nothing, its partition or its checks say why."""

    @wraps(stage)
    def run(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[WorkshopResource]) -> Iterator[_Result]:
        try:
            result = stage(context, workshop)
        except NothingToDo as why:
            context.log.info("%s", why)
            yield dg.MaterializeResult(
                metadata={_WORDS: str(why)}, check_results=_checks(context, str(why), passed=True)
            )
        except Refused as refused:
            code = refused.failure.metadata[CODE]
            yield dg.MaterializeResult(
                metadata={"refused": refused.why, CODE: code},
                check_results=_checks(context, refused.why, passed=False),
            )
            raise refused.failure from None
        else:
            yield result

    return run


def _checks(context: dg.AssetExecutionContext, why: str, *, passed: bool) -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            check_name=key.name,
            asset_key=key.asset_key,
            passed=passed,
            description=why,
            metadata={_WORDS if passed else "refused": why},
        )
        for key in sorted(context.selected_asset_check_keys)
    ]
