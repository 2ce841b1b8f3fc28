"""False positives: withdraw a value from every list, and undo that."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from core.api.access import ObservableEditor, ServicesHere, StoreHere
from core.api.described import problems
from core.api.exports.answer_models import CoveringOut, InsideOut
from core.api.exports.fields import TypeName, Value, Why
from core.api.routing import LargeBodyRoute
from core.exports import withdrawing
from core.exports.answers.meant import find, meant
from core.exports.withdrawing import Withdrawn
from core.redaction import redact
from core.store import Store, carve_outs, clearing, definitions, jobs

router = APIRouter(tags=["exports: withdrawals"], route_class=LargeBodyRoute)


class Withdrawal(BaseModel):
    """What is to be withdrawn."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: Value
    type: TypeName | None = None
    reason: Why
    carve_out: bool = Field(
        default=False, description="Also list networks around it without it, and nothing of what lies in it."
    )


class WithdrawnOut(BaseModel):
    """What was withdrawn, and what still stands for it on published lists."""

    type: str
    value: str
    assertions: int = Field(description="How many claims count no more.")
    is_carved_out: bool
    covering: list[CoveringOut]
    inside: InsideOut | None


class LeftOut(BaseModel):
    """Whether it has left an export that held it."""

    export: str
    version: int | None = Field(description="The version that consumers have now.")
    fault: str | None = Field(description="Why it is still there; null if it is not.")
    job: int | None = Field(description="The run that was asked for, of an export that is switched on.")


class Withdrawals(BaseModel):
    """What was done."""

    values: list[WithdrawnOut]
    exports: list[LeftOut]


class Reinstatement(BaseModel):
    """What is to count again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: Value
    type: TypeName | None = None


class ReinstatedOut(BaseModel):
    """What counts again."""

    type: str
    value: str
    assertions: int = Field(description="How many claims count again.")
    was_carved_out: bool


class Reinstated(BaseModel):
    """What was done; the exports take it again with their next run."""

    values: list[ReinstatedOut]


@router.post("/withdrawals", summary="Withdraw a value", responses=problems(404))
def withdraw(body: Withdrawal, caller: ObservableEditor, services: ServicesHere, store: StoreHere) -> Withdrawals:
    """Withdraw a false positive: it is marked as benign, no export takes it any more, and published lists let it go.

    It has left them when the answer comes, but where `fault` says why not; that does not wait for the service `tasks`.
    What else a list then has anew, such as what is left of a network, comes with the run that is asked for.
    """
    now, settings = services.now, services.settings
    done = [
        withdrawing.withdraw(
            store, type_, value, body.reason, carve_out=body.carve_out, settings=settings, now=now
        )
        for type_, value in meant(store, body.value, body.type, now)
    ]
    names = [*dict.fromkeys(name for item in done for name in item.exports)]
    left = withdrawing.let_go(store, names, settings, now)
    exports = [
        LeftOut(
            export=item.export,
            version=item.version,
            fault=redact(item.fault) or None,
            job=_job(store, item.export, caller.name, now),
        )
        for item in left
    ]
    return Withdrawals(values=[_shown(item) for item in done], exports=exports)


@router.post("/reinstatements", summary="Reinstate a value", responses=problems(404))
def reinstate(body: Reinstatement, _: ObservableEditor, services: ServicesHere, store: StoreHere) -> Reinstated:
    """Undo a withdrawal, but not one by the source itself."""
    found = []
    for row in find(store, body.value, body.type, services.now):
        was_carved_out = carve_outs.undo(store, row.value, services.now)
        number = clearing.undo(store, row.type, row.value, services.now)
        found.append(
            ReinstatedOut(type=row.type, value=row.value, assertions=number, was_carved_out=was_carved_out)
        )
    return Reinstated(values=found)


def _job(store: Store, name: str, by: str, now: int) -> int | None:
    """Ask for a run of an export that is switched on; of one that is off nothing else is published."""
    if not definitions.get_export(store, name).enabled:
        return None
    return jobs.request(store, name, by=by, now=now)[0].id


def _shown(item: Withdrawn) -> WithdrawnOut:
    return WithdrawnOut(
        type=item.type,
        value=item.value,
        assertions=item.assertions,
        is_carved_out=item.is_carved_out,
        covering=CoveringOut.several(item.covering),
        inside=InsideOut.of(item.inside),
    )
