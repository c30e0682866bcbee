"""This file is where rules of the client that touch neither page nor network are run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import deno

CLIENT = Path(__file__).parents[1] / "web" / "client"


def run(statements: str, *modules: str, folder: str = "broker") -> Any:
    """What the statements leave in `out`, with everything that the modules export in scope."""
    imports = "".join(
        f"import * as {name} from {json.dumps((CLIENT / folder / f'{name}.ts').as_uri())};"
        for name in modules
    )
    flags = ("run", "--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check")
    done = subprocess.run(
        [deno.find_deno_bin(), *flags, "-"],
        input=f"{imports} let out; {statements}; console.log(JSON.stringify(out));",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
