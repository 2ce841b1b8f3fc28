"""All our own resources, put together."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from core.api.answers import OURS
from core.api.exports import (
    answers,
    consumers,
    definitions,
    formats,
    gate,
    plans,
    runs,
    storages,
    versions,
    withdrawals,
)

TAGS = [
    {"name": "exports: definitions", "description": "What exports are to be, and how they stand."},
    {"name": "exports: plans", "description": "Several definitions at once, as from files under version control."},
    {"name": "exports: runs", "description": "Ask for a run, look how it goes, stop it; what ran before."},
    {"name": "exports: versions", "description": "What was published, how two versions differ, and back to one."},
    {"name": "exports: gate", "description": "What is held and why, and the override by who looked at it."},
    {"name": "exports: answers", "description": "Why a value is listed or not, and what a list would hit."},
    {"name": "exports: withdrawals", "description": "False positives, off every list."},
    {"name": "exports: consumers", "description": "Who may fetch what, their tokens, and who has which version."},
    {"name": "exports: formats", "description": "What an export can be written as, and what its gate goes by."},
    {"name": "exports: storages", "description": "What storages there are, and whether a place can be used."},
]


def _operation_id(route: APIRoute) -> str:
    return f"exports_{route.name}"


def router() -> APIRouter:
    """Return the routes of all subjects."""
    made = APIRouter(prefix=OURS, generate_unique_id_function=_operation_id)
    for module in (definitions, plans, runs, versions, gate, answers, withdrawals, consumers, formats, storages):
        made.include_router(module.router)
    return made
