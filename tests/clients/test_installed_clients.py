"""Clients that an installed package offers by an entry point."""

from pathlib import Path

from clients_of_tests import listed, source

from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.classes.local import LocalStorageClient


def installed(site: Path, value: str, package: str = "fake-plugin") -> Path:
    """Make the traces of an installed package with one entry point."""
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[core.persistient_storage]\nmine = {value}\n")
    return info


def test_an_installed_package_offers_a_client(tmp_path, monkeypatch):
    """An entry point of the group is used at once, and gone when the package is."""
    site = tmp_path / "site"
    info = installed(site, "plugin_of_a_package:Mine")
    (site / "plugin_of_a_package.py").write_text(source())
    monkeypatch.syspath_prepend(site)

    assert type(get_client("mine://x")).__name__ == "Mine"
    assert "fake-plugin" in listed("mine://")[0].origin
    for file in info.iterdir():
        file.unlink()
    info.rmdir()
    assert listed("mine://") == []


def test_an_entry_point_may_name_a_module(tmp_path, monkeypatch):
    """All client classes of the module count."""
    site = tmp_path / "site"
    installed(site, "plugin_that_is_a_module")
    (site / "plugin_that_is_a_module.py").write_text(source())
    monkeypatch.syspath_prepend(site)

    assert type(get_client("mine://x")).__name__ == "Mine"


def test_a_broken_entry_point_breaks_no_other(tmp_path, monkeypatch):
    """It is listed with its package and its reason."""
    site = tmp_path / "site"
    installed(site, "a_module_that_is_missing:Mine")
    monkeypatch.syspath_prepend(site)

    assert type(get_client(tmp_path)) is LocalStorageClient
    [row] = [row for row in registry.clients() if row.status == "broken"]
    assert "fake-plugin" in row.origin
    assert "a_module_that_is_missing" in row.reason
