"""Every route is asked by its own description: what is sent is made up of it, what comes back has to be as it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served import Api

from core.schemas.claim import Claim
from core.tasks.worker import Worker

FORM = "multipart/form-data"
EXAMPLES = 5
"""Of each operation and mode; a seed that is always the same makes them the same in every run."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def what_is_wrong_is_refused(context: CheckContext, response: Response, case: Case) -> bool | None:
    """Refuse what is not as described.

    What is too long may be too large as well, which that check does not know; and that in a form all is text, so that
    a file or a tag that is there is never of another type.
    """
    is_whole_form = case.media_type == FORM and isinstance(case.body, dict) and "file" in case.body
    if response.status_code == 413 or is_whole_form:
        return None
    return negative_data_rejection(context, response, case)


MODES = {GenerationMode.POSITIVE: CHECKS, GenerationMode.NEGATIVE: [*CHECKS, what_is_wrong_is_refused]}

LEFT_OUT = {
    "POST /api/v2/exports/storages/check": "it writes to whatever place it is told",
    "POST /api/v2/auth/logout": "it ends nothing of a key, and everything of a token",
}
"""Operations that are not asked, each with the reason."""

KNOWN = {"name": "c2-addresses", "version": 1, "file": "c2-addresses.txt", "run": 1, "job": 1}
"""What there is: half of the requests are about it."""

OF_US = "/api/v2/exports"
_REASON = {"reason": "looked at"}
SENT: dict[str, dict[str, Any]] = {
    f"POST {OF_US}/definitions": {"body": {"name": "new", "format": "csv", "include": ["c2"], "every": "1h"}},
    f"POST {OF_US}/plan": {"body": {"exports": [{"name": "c2-addresses", "format": "csv"}]}},
    f"POST {OF_US}/apply": {"body": {"exports": [{"name": "other", "format": "list"}]}, "headers": {}},
    f"PUT {OF_US}/definitions/{{name}}": {"body": {"format": "list"}, "headers": {"If-Match": "*"}},
    f"PATCH {OF_US}/definitions/{{name}}": {"body": {"limit": {"most": 4}}, "headers": {}},
    f"POST {OF_US}/definitions/{{name}}/rollback": {"body": {"version": 1} | _REASON},
    f"POST {OF_US}/withdrawals": {"body": {"value": "8.8.0[.]2", "carve_out": True} | _REASON},
    f"POST {OF_US}/reinstatements": {"body": {"value": "8.8.0.2"}},
    f"POST {OF_US}/jobs": {"body": {"exports": ["c2-addresses"]}},
    f"GET {OF_US}/holders": {"query": {"value": "8.8.0.1"}},
    f"GET {OF_US}/definitions/{{name}}/explain": {"query": {"value": "8.8.0.1"}},
    f"GET {OF_US}/definitions/{{name}}/diff": {"query": {"from": "held"}},
    f"DELETE {OF_US}/definitions/{{name}}": {"query": {}, "headers": {}},
}
"""What makes sense to say of it, which no description of a form can tell."""


@pytest.fixture
def installation(make_api: Callable[..., Api], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Serve one with an export that has published twice, and holds what a third run made."""
    monkeypatch.chdir(tmp_path)  # a relative path of a storage stays in here
    api = make_api()
    with api.client("admin") as client, api.services.store() as store:
        words = {"name": KNOWN["name"], "format": "list", "limit": {"most": 3}}
        assert 201 == client.post("/api/v2/exports/definitions", json=words).status_code
        for number in (1, 2, 5):
            with store.import_session(api.clock.now) as session:
                session.add(
                    [
                        Claim(type="ipv4", value=f"8.8.0.{n}", source="feed", tags=("c2",))
                        for n in range(1, number + 1)
                    ]
                )
            client.post(f"/api/v2/exports/definitions/{KNOWN['name']}/runs")
            Worker(api.services.open_store, api.services.settings, clock=api.clock).work(store)
            api.clock.now += 1_000_000
    return api


def test_every_route_answers_as_it_is_described(installation: Api) -> None:
    """No fault of the program, no status, type or form of an answer that is not described, whatever is sent."""
    headers = {"Authorization": f"Bearer {installation.key('admin', name='asker')}"}
    with installation.client(None) as client:
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    faults = {}
    for operation in sorted(operations, key=lambda each: each.method == "delete"):
        if operation.label in LEFT_OUT:
            continue
        for mode, checks in MODES.items():
            try:
                _ask(operation, mode, checks, installation, headers)
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # without parameters nothing can be wrong
            except (Failure, BaseExceptionGroup) as error:
                found = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
                faults[operation.label] = "\n".join(f"{type(each).__name__}: {each}" for each in found)

    assert {*LEFT_OUT, *SENT} <= {operation.label for operation in operations}
    assert {} == faults, "\n\n".join(f"{label}: {text}" for label, text in faults.items())


def _ask(
    operation: APIOperation, mode: GenerationMode, checks: list[Any], installation: Api, headers: dict[str, str]
) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def ask(case: Case, is_known: bool) -> None:
        if is_known and mode is GenerationMode.POSITIVE:
            for name in {*case.path_parameters} & {*KNOWN}:
                case.path_parameters[name] = KNOWN[name]
            for part, value in SENT.get(operation.label, {}).items():
                setattr(case, part, value)
        case.call_and_validate(base_url=installation.url, headers=headers, checks=checks, timeout=60)

    ask()
