"""Kinds of a provider's records: how many there are of each is told to people, before they wonder who all these are.

What becomes of a single record is decided by the mapping; here are names, words and the settings that take a kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.sources import QUICKBOOKS, XERO

PULL_KINDS = "pull_kinds"
"""Fact in staging: name, number and whether it is taken of each kind of records, as JSON."""


@dataclass(frozen=True)
class RecordKind:
    """One kind."""

    name: str
    """For programs."""
    label: str
    """For people."""
    setting: str | None = None
    """Of the provider's section: says whether the kind is taken."""
    is_taken: bool = True
    """Where no setting says so."""
    is_part: bool = False
    """Its records are among those of the other kinds."""

    def is_taken_by(self, section: object) -> bool:
        """Tell whether a provider's section of the settings takes it."""
        return self.is_taken if self.setting is None else bool(getattr(section, self.setting))


CUSTOMERS, BOTH, SUPPLIERS_ONLY, NEITHER, NOT_SAID = "customers", "both", "suppliers_only", "neither", "not_said"
PROJECTS, INACTIVE = "projects", "inactive"

KINDS: dict[str, tuple[RecordKind, ...]] = {
    QUICKBOOKS: (
        RecordKind(CUSTOMERS, "customers and sub-customers (see quickbooks.sub_customers)"),
        RecordKind(PROJECTS, "projects", is_taken=False),
        RecordKind(INACTIVE, "inactive ones among all of these", is_part=True),
    ),
    XERO: (
        RecordKind(CUSTOMERS, "customers"),
        RecordKind(BOTH, "customers that are also suppliers"),
        RecordKind(SUPPLIERS_ONLY, "suppliers only", "include_suppliers"),
        RecordKind(NEITHER, "contacts that have no sales and no purchases", "include_unused"),
        RecordKind(NOT_SAID, "contacts where Xero does not say whether they buy or sell"),
    ),
}
"""Of each provider, in the order in which they are shown."""


def kinds_of(provider: str, flags: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the kinds of a record by its flags.

    Raises:
        ValueError: It is no provider.
    """
    if provider == QUICKBOOKS:
        kind = PROJECTS if flags.get("IsProject") else CUSTOMERS
        return (kind,) if flags.get("Active", True) else (kind, INACTIVE)
    if provider != XERO:
        raise ValueError(f"{provider} is no provider")
    is_customer, is_supplier = flags.get("IsCustomer"), flags.get("IsSupplier")
    if is_customer or is_supplier:
        return (BOTH if is_customer and is_supplier else CUSTOMERS if is_customer else SUPPLIERS_ONLY,)
    return (NOT_SAID if is_customer is None or is_supplier is None else NEITHER,)
