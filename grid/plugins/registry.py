"""This file is where the job types that are there are kept at hand, and loaded at first use."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from grid.plugins import loader
from grid.plugins.loader import OWN_FOLDER, Found, Loaded, PluginError, discover, load


class Registry:
    """The job types found at start, their folders as they are now.

    Whether one is enabled is for the database to say.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[str, Loaded] = {}
        self._found = {one.manifest.name: one for one in discover((OWN_FOLDER, *folders))}

    def found(self) -> tuple[Found, ...]:
        """Every job type that is there, by name, enabled or not.

        A folder that cannot be read any more is listed as it was; `find` says what is wrong.
        """
        with self._lock:
            names = tuple(self._found)
        for name in names:
            with suppress(PluginError):
                self.find(name)
        with self._lock:
            return tuple(self._found.values())

    def find(self, name: str) -> Found | None:
        """The job type of this name, or None; raises PluginError when its folder has broken."""
        with self._lock:
            known = self._found.get(name)
        if known is None:
            return None
        now = loader.find(known.folder)
        with self._lock:
            self._found[name] = now
        return now

    def knows(self, name: str) -> bool:
        """Whether there is a job type of this name."""
        with self._lock:
            return name in self._found

    def has(self, digest: str) -> bool:
        """Whether the code of this digest can be had."""
        with self._lock:
            return digest in self._loaded or any(
                one.digest == digest for one in self._found.values()
            )

    def folder_of(self, digest: str) -> Path | None:
        """Where the code of this digest lies; None when its folder has changed or is gone."""
        return next((one.folder for one in self.found() if one.digest == digest), None)

    def loaded(self, digest: str) -> Loaded:
        """The job type of this digest, imported at first use; raises PluginError.

        The caller has made sure that an admin enabled this digest.
        """
        with self._lock:
            if digest not in self._loaded:
                found = [one for one in self._found.values() if one.digest == digest]
                if not found:
                    raise PluginError(f"no job type with digest {digest} is here any more")
                self._loaded[digest] = load(found[0])
            return self._loaded[digest]
