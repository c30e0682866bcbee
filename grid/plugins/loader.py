"""This file is where job types are found by being there, and imported only when enabled.

Finding one reads its manifest and digests its folder; nothing of it is imported. `load` imports
it, and refuses if the folder is no longer the one that was enabled.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pluggy
from msgspec import Struct

from grid import canonical, secrets
from grid.items import Json
from grid.plugins import hookspecs
from grid.plugins.contract import INLINE_BYTES_MAX, OUTPUT_BYTES_LIMIT, JobType
from grid.plugins.manifest import Manifest, ManifestError, parse

ENTRY_POINT_GROUP = "grid.jobtypes"
MANIFEST = "jobtype.toml"
#: Shipped beside `grid` itself.
OWN_FOLDER = Path(__file__).parents[2] / "jobtypes"


class PluginError(Exception):
    """A job type that cannot be listed or loaded; says which and why."""


class Found(Struct, frozen=True, kw_only=True):
    """A job type that is there, enabled or not."""

    manifest: Manifest
    folder: Path
    #: SHA-256 over every file of the folder.
    digest: str


class Loaded(Struct, frozen=True, kw_only=True):
    """An enabled job type, ready for use."""

    manifest: Manifest
    digest: str
    spec_schema: Json
    output_schema: Json
    readme: str
    examples: tuple[Json, ...]
    job_type: JobType


def discover(folders: Iterable[Path] = (OWN_FOLDER,)) -> tuple[Found, ...]:
    """Every job type below `folders` and behind the entry-point group, by name.

    Raises PluginError for an unreadable manifest, or when two have one name.
    """
    found: dict[str, Found] = {}
    for folder in (*_folders(folders), *map(_entry_folder, entry_points(group=ENTRY_POINT_GROUP))):
        one = find(folder)
        name = one.manifest.name
        if name in found:
            raise PluginError(f"{name}: both {found[name].folder} and {folder} have this name")
        found[name] = one
    return tuple(sorted(found.values(), key=lambda one: one.manifest.name))


def find(folder: Path) -> Found:
    """Read one folder's manifest and digest it."""
    try:
        manifest = parse((folder / MANIFEST).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ManifestError) as error:
        raise PluginError(f"{folder / MANIFEST}: {error}") from error
    if manifest.name != folder.name:
        raise PluginError(f"{folder}: the folder must be called {manifest.name}")
    return Found(manifest=manifest, folder=folder, digest=folder_digest(folder))


def folder_digest(folder: Path) -> str:
    """SHA-256 of the canonical JSON `{path: sha256}` over the folder's files, caches left out."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        if "__pycache__" in path.parts or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            raise PluginError(f"{path}: a job type holds no links")
        digests[path.relative_to(folder).as_posix()] = canonical.digest(path.read_bytes())
    return canonical.digest(canonical.dumps(digests))


def load(found: Found) -> Loaded:
    """Import a job type's code and read its schemas; raises PluginError.

    The caller has made sure that an admin enabled `found.digest`.
    """
    if folder_digest(found.folder) != found.digest:
        raise PluginError(f"{found.manifest.name}: changed since it was listed; enable it again")
    name = found.manifest.name
    try:
        module = _module(found)
        manager = host()
        manager.register(module, name)
        manager.check_pending()
        job_type = manager.hook.grid_job_type()
        loaded = Loaded(
            manifest=found.manifest,
            digest=found.digest,
            spec_schema=_json(found.folder / "spec.schema.json"),
            output_schema=_json(found.folder / "output.schema.json"),
            readme=(found.folder / "README.md").read_text("utf-8"),
            examples=tuple(_json(path) for path in sorted(found.folder.glob("examples/*.json"))),
            job_type=job_type,
        )
    except Exception as error:  # whatever a plugin's code raises, it names the plugin
        raise PluginError(f"{name}: {type(error).__name__}: {error}") from error
    if not isinstance(job_type, JobType):
        raise PluginError(f"{name}: grid_job_type() must return a JobType")
    _check_output_bytes(name, job_type)
    if secrets.misplaced(loaded.spec_schema):
        raise PluginError(f"{name}: only a text at a spec's top level can be writeOnly")
    return loaded


def _check_output_bytes(name: str, job_type: JobType) -> None:
    most = job_type.output_bytes_max
    if type(most) is not int or not 1 <= most <= OUTPUT_BYTES_LIMIT:
        raise PluginError(f"{name}: output_bytes_max is 1 to {OUTPUT_BYTES_LIMIT}, not {most!r}")
    if most > INLINE_BYTES_MAX and job_type.compare.needs_output:
        raise PluginError(
            f"{name}: outputs that are compared have {INLINE_BYTES_MAX} bytes at most"
        )


def host() -> pluggy.PluginManager:
    """A plugin manager that knows Grid's hooks and has nothing registered."""
    manager = pluggy.PluginManager("grid")
    manager.add_hookspecs(hookspecs)
    return manager


def _module(found: Found) -> ModuleType:
    name = f"grid_jobtype_{found.manifest.name}_{found.digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, found.folder / "__init__.py", submodule_search_locations=[str(found.folder)]
    )
    if spec is None or spec.loader is None:
        raise PluginError(f"{found.folder}: no __init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _folders(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def _entry_folder(entry: EntryPoint) -> Path:
    top, *rest = entry.module.split(".")
    spec = importlib.util.find_spec(top)  # a top-level name is found without being imported
    if spec is None or not spec.submodule_search_locations:
        raise PluginError(f"entry point {entry.name}: {entry.value} is no package")
    return Path(spec.submodule_search_locations[0], *rest)


def _json(path: Path) -> Json:
    return json.loads(path.read_text("utf-8"))
