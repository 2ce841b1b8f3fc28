"""What there is to choose from, and who is told how the service is set up."""

from pathlib import Path

import pytest
from desk import EXPORTS, Desk


def test_formats_and_limits_are_listed(desk: Desk) -> None:
    """With their options, as `yetictl format list` and `export limits` print them."""
    formats = {item["name"]: item for item in desk.reader.get(f"{EXPORTS}/formats").json()["items"]}
    limits = {item["key"]: item["default"] for item in desk.reader.get(f"{EXPORTS}/limits").json()["items"]}

    assert {"csv", "jsonl", "list"} <= formats.keys()
    assert "text/plain; charset=utf-8" == formats["list"]["media_type"]
    assert "50%" == limits["loss"]


def test_storages_are_for_admins(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients and their files; a place is tried and left as it was; a password in its path is not repeated.

    What only looks like a place of some server is not tried: a folder of that name would be made, password and all.
    """
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    clients = desk.admin.get(f"{EXPORTS}/storages").json()
    good = desk.admin.post(f"{EXPORTS}/storages/check", json={"path": str(tmp_path / "lists")}).json()
    bad = desk.admin.post(f"{EXPORTS}/storages/check", json={"path": "ftp://me:hunter2@127.0.0.1/x"})
    others = [
        client.request(method, f"{EXPORTS}/storages{path}", json={"path": str(tmp_path)} if path else None)
        for client in (desk.reader, desk.editor)
        for method, path in (("GET", ""), ("POST", "/check"))
    ]

    assert {"", "s3://"} <= {item["prefix"] for item in clients["clients"]}
    assert (True, "LocalStorageClient", []) == (good["is_ok"], good["client"], [*(tmp_path / "lists").iterdir()])
    assert (200, False) == (bad.status_code, bad.json()["is_ok"])
    assert "hunter2" not in bad.text
    assert [] == [*here.iterdir()]
    assert [403] * 4 == [answer.status_code for answer in others]
