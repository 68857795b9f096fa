"""What a provider's record can break."""

from typing import Any

from schemas.codes import INVALID_RECORD
from schemas.provider_records import RecordShape
from tests.schemas.rows import Fault


def sound_record(shape: RecordShape) -> dict[str, Any]:
    """Return a record with every field, as a row of the flat frame."""
    return {
        "row": 2,
        shape.identity: "17",
        **dict.fromkeys(shape.flat_texts, "Ada"),
        **dict.fromkeys(shape.references, "18"),
        **dict.fromkeys(shape.flags, True),
    }


def faults_of(shape: RecordShape) -> tuple[Fault, ...]:
    """Return every fault of a provider's record."""
    in_lists = (f"{name}.{inner}" for name, inners in shape.lists.items() for inner in inners)
    fields = dict.fromkeys((*shape.fields, *shape.flat_texts, *in_lists))
    return (
        Fault("a row has a number", {"row": None}, "row", "required"),
        Fault("a record says which customer it is", {shape.identity: None}, shape.identity, "required"),
        Fault(
            "the id of a record can be stored and asked for", {shape.identity: "a b"}, shape.identity, INVALID_RECORD
        ),
        *(
            Fault(f"{name} can be the id of a record", {name: "x" * 65}, name, INVALID_RECORD)
            for name in shape.references
        ),
        *(
            Fault(
                f"{name} has the JSON type that is described", {f"{name}:{INVALID_RECORD}": True}, name, INVALID_RECORD
            )
            for name in fields
        ),
    )
