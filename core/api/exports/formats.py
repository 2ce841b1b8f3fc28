"""What an export can be written as, and what its gate goes by."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from core.accounts.permissions import Permission
from core.api.access import Reader
from core.exports.formats import Consumer, broken_formats, formats
from core.exports.formatting.proofs import UNPROVEN, proof_of
from core.exports.gate.limits import LIMITS

router = APIRouter(tags=["exports: formats"])


class OptionOut(BaseModel):
    """An option of a format."""

    default: str
    meaning: str


class ConsumerOut(BaseModel):
    """What reads a format."""

    name: str = Field(examples=["BIND 9"])
    options: str = Field(description="The options that it needs, KEY=VALUE; empty is the defaults.")
    proof: str = Field(
        description="How it is proven that it takes what the format writes: asked, loaded, format-checked or unproven."
    )
    limits: str
    one_bad_entry: str = Field(description="What one entry that it does not understand does to the list.")
    setup: str = Field(description="How to wire it up.")


class FormatOut(BaseModel):
    """A format."""

    name: str = Field(examples=["list"])
    meaning: str = Field(examples=["one value a line"])
    media_type: str
    suffix: str
    types: list[str] | None = Field(description="What it can express; null is everything.")
    options: dict[str, OptionOut]
    consumers: list[ConsumerOut]


class BrokenOut(BaseModel):
    """A file that cannot be used."""

    file: str
    reason: str


class Formats(BaseModel):
    """The formats there are."""

    items: list[FormatOut]
    broken: list[BrokenOut] = Field(description="What cannot be used; only admins are told.")


class LimitOut(BaseModel):
    """A limit of the gate."""

    key: str = Field(examples=["loss"])
    default: str = Field(examples=["50%"])
    form: str = Field(examples=["a share such as 50%, or off"])
    meaning: str


class Limits(BaseModel):
    """The limits that an export can have."""

    items: list[LimitOut]


@router.get("/formats", summary="List formats")
def list_formats(caller: Reader) -> Formats:
    """Return every format with its options."""
    broken = broken_formats() if Permission.ADMIN in caller.permissions else ()
    return Formats(
        items=[
            FormatOut(
                name=name,
                meaning=form.MEANING,
                media_type=form.MEDIA_TYPE,
                suffix=form.SUFFIX,
                types=None if form.TYPES is None else sorted(form.TYPES),
                options={
                    key: OptionOut(default=option.default, meaning=option.meaning)
                    for key, option in form.OPTIONS.items()
                },
                consumers=[_consumer(name, consumer) for consumer in getattr(form, "CONSUMERS", ())],
            )
            for name, form in sorted(formats().items())
        ],
        broken=[BrokenOut(file=str(item.origin), reason=item.reason) for item in broken],
    )


def _consumer(format: str, consumer: Consumer) -> ConsumerOut:
    proof = proof_of(format, consumer)
    return ConsumerOut(
        name=consumer.name,
        options=consumer.options,
        proof=proof.how if proof else UNPROVEN,
        limits=consumer.limits,
        one_bad_entry=consumer.one_bad_entry,
        setup=consumer.setup,
    )


@router.get("/limits", summary="List limits")
def list_limits(_: Reader) -> Limits:
    """Return the limits that the gate of an export can have, with their defaults."""
    return Limits(
        items=[
            LimitOut(key=limit.key, default=limit.default, form=limit.form, meaning=limit.meaning)
            for limit in LIMITS
        ]
    )
