"""A mishap of a pull, and how a pull goes through several; which ones there are is in ``pull_mishaps``."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import PullRefused, ReconnectNeeded
from tests.fakes.provider_server import Fault
from tests.faults.pulling import World
from tests.full_form import FULL


@dataclass(frozen=True)
class Mishap:
    """One mishap: scripted before the first pull, or before a later one where ``change`` says what changed."""

    provider: str
    script: Callable[[World], Sequence[Fault]] = lambda _: ()
    prepare: Callable[[Any], object] = lambda _: None
    """Called with the fake before the first pull."""
    change: Callable[[Any], object] | None = None
    """Called with the fake between an undisturbed first pull and the disturbed later one."""
    is_full: bool = False
    """Whether the later pull is a full one."""
    is_refused: bool = False
    """The pull ends as refused, and the next one is as if nothing had been."""
    is_reconnected: bool = False
    """The grant is lost; the user connects again."""
    is_repeated: bool = False
    """Another pull follows: what changed after its page was read comes then."""


def endure(
    world: World, mishaps: Sequence[Mishap], caplog: pytest.LogCaptureFixture, undisturbed: Engine | None = None
) -> None:
    """Pull with mishaps, as often as it takes, and see that nothing is left of them.

    Args:
        world: Where the mishaps happen.
        mishaps: One after the other.
        caplog: Pytest's.
        undisturbed: A target of its own for a pull that nothing disturbs, with which is compared.
    """
    caplog.set_level(logging.DEBUG)
    fake, is_full = world.fake, any(mishap.is_full for mishap in mishaps)
    for mishap in mishaps:
        mishap.prepare(fake)
    changes = [mishap.change for mishap in mishaps if mishap.change is not None]
    if changes:
        world.pull()
        world.assert_is_the_providers()
    for change in changes:
        change(fake)
    ending = [mishap for mishap in mishaps if mishap.is_refused or mishap.is_reconnected]
    for mishap in ending:
        fake.fail_in_turn(mishap.script(world))
        with pytest.raises(PullRefused) as refused:
            world.pull()
        assert isinstance(refused.value, ReconnectNeeded) is mishap.is_reconnected
        if mishap.is_reconnected:
            world.connect()
    fake.fail_in_turn(*(mishap.script(world) for mishap in mishaps if mishap not in ending))
    world.pull(is_full=is_full)
    if any(mishap.is_repeated for mishap in mishaps):
        world.pull(is_full=True)
    assert not fake.faults_left(), "not everything happened"
    world.assert_is_the_providers()
    if undisturbed is not None:
        world.assert_is_as(world.pulled_anew(undisturbed))
    world.assert_is_connected()
    world.assert_nothing_was_told(caplog.text)
    assert all(request.path != "/elsewhere" for request in fake.requests)


def befalling(pulls: Mapping[str, Mapping[str, Mishap]]) -> pytest.MarkDecorator:
    """Parametrise a test with the mishaps of each pull; in the full form each on its own."""
    if FULL:
        pulls = {name: {name: mishap} for together in pulls.values() for name, mishap in together.items()}
    return pytest.mark.parametrize("mishaps", [[*together.values()] for together in pulls.values()], ids=list(pulls))
