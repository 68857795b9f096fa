"""What the rules ask of a row depends on where it comes from: a file, a provider, or a person's hand (R4)."""

from dataclasses import dataclass

import pandera.polars as pa

from etl_customers.settings.sections import Settings
from schemas.normalised_customers import NAMES, normalised_customers
from schemas.sources import PROVIDERS
from schemas.validated_customers import validated_customers


@dataclass(frozen=True)
class SourceRules:
    """What differs from source to source; all other rules are the same for every row."""

    required: tuple[str, ...]
    """Columns that must have a value after defaults."""
    needs_name: bool = False
    """A person's name or a business name must be there; False where a required column is one already."""
    is_pull: bool = False
    """It comes from a provider, where nobody could be asked in which country a customer is."""
    leaves_out: bool = False
    """A text that cannot be read counts as empty, with a warning, instead of making the row fail."""

    @property
    def before(self) -> pa.DataFrameSchema:
        """The contract of normalised rows of the source."""
        return normalised_customers(self.required, needs_name=self.needs_name, leaves_out=self.leaves_out)

    @property
    def after(self) -> pa.DataFrameSchema:
        """The contract of rows of the source that may be loaded."""
        return validated_customers(self.required, needs_name=self.needs_name)


def rules_of(settings: Settings, source: str, *, is_typed: bool = False) -> SourceRules:
    """Return what a row of a source must be.

    Args:
        settings: Required columns of each source, and what becomes of unreadable texts.
        source: One of ``schemas.sources``.
        is_typed: A person has just typed it and can correct it, so that nothing is left out.
    """
    required = settings.required_of(source)
    if source not in PROVIDERS:
        return SourceRules(required, needs_name=not set(NAMES) & set(required))
    leaves_out = settings.provider(source).on_unreadable == "leave_out" and not is_typed
    return SourceRules(required, needs_name=True, is_pull=not is_typed, leaves_out=leaves_out)
