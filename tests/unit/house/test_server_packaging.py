"""This file is where what runs servers is held against the commands and settings there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from grid.settings import Settings, variable_of
from web import main

PACKAGING = Path(__file__).parents[3] / "packaging" / "server"
COMMANDS = typer.main.get_command(main.app).commands  # type: ignore[attr-defined]
VARIABLES = set(map(variable_of, Settings.model_fields)) | {"GRID_NAME"}


@pytest.mark.parametrize("file", sorted(PACKAGING.iterdir()), ids=lambda file: file.name)
def test_every_setting_that_is_named_is_one(file: Path) -> None:
    assert set(re.findall(r"\bGRID_[A-Z_]+", file.read_text())) <= VARIABLES


@pytest.mark.parametrize("name", ["grid.service", "grid-backup.service"])
def test_units_run_commands_that_there_are(name: str) -> None:
    (command,) = re.findall(r"^ExecStart=.*/grid ([a-z-]+)", (PACKAGING / name).read_text(), re.M)
    assert command in COMMANDS


def test_a_stop_leaves_time_for_what_is_in_flight() -> None:
    unit = (PACKAGING / "grid.service").read_text()
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(stop_s) > main.GRACE_S + 5


def test_the_compose_file_has_two_servers_a_database_storage_and_a_proxy_they_trust() -> None:
    found = yaml.safe_load((PACKAGING / "compose.yaml").read_text())
    services = found["services"]
    assert {"server-1", "server-2", "database", "storage", "proxy"} <= services.keys()
    environment = services["server-1"]["environment"]
    chosen = {
        name.removeprefix("GRID_").lower(): re.sub(r"\$\{.*\}", "x.example", value)
        for name, value in environment.items()
        if name.startswith("GRID_")
    }
    settings = Settings(**chosen)
    proxy = services["proxy"]["networks"]["inside"]["ipv4_address"]
    assert settings.trusted_proxies == (proxy,)
    assert settings.database_url and settings.blob_url
    caddy = (PACKAGING / "Caddyfile").read_text()
    assert set(re.findall(r"server-\d", caddy)) <= services.keys()
    assert all("data:/data" in services[one]["volumes"] for one in ("server-1", "server-2"))
