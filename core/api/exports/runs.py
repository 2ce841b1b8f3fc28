"""Runs: ask for one, look how it goes, stop it; what ran before, and what was said."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from core.api.access import ExportEditor, Reader, ServicesHere, StoreHere
from core.api.answers import OURS
from core.api.described import problems
from core.api.exports.definition_models import RunOut
from core.api.exports.names import JobId, Name, RunId
from core.api.exports.paging import Page, Paging
from core.api.exports.run_models import Cancelled, JobOut, LineOut, Log, Requested, Several, Wanted
from core.api.routing import LargeBodyRoute
from core.exports.objects import run_object
from core.redaction import redact
from core.schemas.instant import Instant, to_text
from core.store import definitions, jobs, run_lines, runs
from core.store.jobs import Job

router = APIRouter(tags=["exports: runs"], route_class=LargeBodyRoute)

State = Literal["waiting", "running", "done", "failed", "cancelled"]
_LOCATION = {"headers": {"Location": {"description": "The job.", "schema": {"type": "string"}}}}


@router.post(
    "/definitions/{name}/runs",
    status_code=202,
    summary="Run an export",
    responses={202: _LOCATION, **problems(404)},
)
def run_export(
    name: Name, response: Response, caller: ExportEditor, services: ServicesHere, store: StoreHere
) -> Requested:
    """Ask for a run: the service `tasks` does it.  `Location` is the job to look at.

    One that waits already is brought forward.  An export that is switched off runs all the same.
    """
    job, is_new = jobs.request(store, name, by=caller.name, now=services.now)
    response.headers["Location"] = f"{OURS}/jobs/{job.id}"
    return Requested(**_job(job), is_new=is_new)


@router.post("/jobs", status_code=202, summary="Run several exports", responses=problems(404))
def run_several(body: Wanted, caller: ExportEditor, services: ServicesHere, store: StoreHere) -> Several:
    """Ask for a run of several exports, or of all that are enabled."""
    known = definitions.exports(store)
    names = body.exports
    if names is None:
        names = [item.name for item in known if item.enabled]
    for name in set(names) - {item.name for item in known}:
        definitions.get_export(store, name)  # says that there is none, before anything is asked for
    asked = [jobs.request(store, name, by=caller.name, now=services.now) for name in dict.fromkeys(names)]
    return Several(items=[Requested(**_job(job), is_new=is_new) for job, is_new in asked])


@router.get("/jobs", summary="List jobs", responses=problems(404))
def list_jobs(
    _: Reader,
    store: StoreHere,
    paging: Paging,
    export: Annotated[str | None, Query(max_length=200, description="Only of this export.")] = None,
    state: Annotated[list[State] | None, Query(description="Only in one of these states.")] = None,
) -> Page[JobOut]:
    """Return what waits, goes on and was done, newest first."""
    states = state or []
    found = jobs.find(store, export, states=states, limit=paging.limit, offset=paging.offset)
    total = jobs.count(store, export, states=states)
    items = [JobOut(**_job(job)) for job in found]
    return Page(total=total, limit=paging.limit, offset=paging.offset, items=items)


@router.get("/jobs/{job}", summary="Show a job", responses=problems(404))
def show_job(job: JobId, _: Reader, store: StoreHere) -> JobOut:
    """Return how a run goes that was asked for."""
    return JobOut(**_job(jobs.get(store, job)))


@router.post("/definitions/{name}/cancel", summary="Cancel what waits and runs", responses=problems(404))
def cancel(name: Name, caller: ExportEditor, services: ServicesHere, store: StoreHere) -> Cancelled:
    """Let what waits of an export not run, and stop what runs at its next step; what is published stays."""
    found = jobs.cancel(store, name, services.now, by=caller.name)
    return Cancelled(items=[JobOut(**_job(job)) for job in found])


@router.get("/definitions/{name}/runs", summary="List runs", responses=problems(404))
def list_runs(name: Name, _: Reader, store: StoreHere, paging: Paging) -> Page[RunOut]:
    """Return the runs of an export, newest first."""
    found = runs.runs(store, name, limit=paging.limit, offset=paging.offset)
    items = [RunOut(**run_object(run)) for run in found]
    return Page(total=runs.count_runs(store, name), limit=paging.limit, offset=paging.offset, items=items)


@router.get("/definitions/{name}/runs/{run}", summary="Show a run", responses=problems(404))
def show_run(name: Name, run: RunId, _: Reader, store: StoreHere) -> RunOut:
    """Return one run of an export."""
    return RunOut(**run_object(runs.get_run(store, name, run)))


@router.get("/definitions/{name}/runs/{run}/log", summary="Show the log of a run", responses=problems(404))
def show_log(name: Name, run: RunId, _: ExportEditor, store: StoreHere) -> Log:
    """Return what was logged while an export ran; it names the places of storages."""
    runs.get_run(store, name, run)
    lines = run_lines.of_run(store, run)
    return Log(
        run=run,
        lines=[LineOut(time=to_text(line.logged_at), level=line.level, text=line.text) for line in lines],
    )


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "export": job.export,
        "state": job.state,
        "cause": job.cause,
        "by": job.by,
        "created_at": to_text(job.created_at),
        "due_at": to_text(job.due_at),
        "attempt": job.attempt,
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "run": job.run_id,
        "entries": job.entries,
        "is_cancelled": job.is_cancelled,
        "message": redact(job.message),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else to_text(instant)
