"""This file is where it is known how each browser is found and started without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from grid.engines.starting import start

#: Nothing that asks, updates, phones home or restores.
CHROMIUM_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-default-browser-check",
)
FIREFOX_PREFERENCES: Mapping[str, str] = {
    "app.update.enabled": "false",
    "browser.aboutwelcome.enabled": "false",
    "browser.shell.checkDefaultBrowser": "false",
    "browser.startup.homepage_override.mstone": '"ignore"',
    "datareporting.policy.dataSubmissionEnabled": "false",
    "datareporting.policy.dataSubmissionPolicyBypassNotification": "true",
    "extensions.update.enabled": "false",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
    "services.settings.server": '""',
    "toolkit.telemetry.reportingpolicy.firstRun": "false",
}
#: Its browser stands beside its library, wherever the distribution has that.
MINIBROWSER = "webkit2gtk-4.*/MiniBrowser"
LIBRARIES = (Path("/usr/lib"), Path("/usr/libexec"))


class Browser(Struct, frozen=True):
    """A kind of browser: its programs in order of preference, and its command line."""

    programs: Callable[[], Iterator[str]]
    #: The program, a folder of its own and an address → the command.
    command: Callable[[str, Path, str], Sequence[str]]
    #: Whether it can only show itself on a screen.
    needs_screen: bool = False


def _chromium(program: str, folder: Path, url: str) -> Sequence[str]:
    # Chromium's own sandbox refuses to work for the superuser.
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return [program, *flags, f"--user-data-dir={folder / 'profile'}", url]


def _firefox(program: str, folder: Path, url: str) -> Sequence[str]:
    profile = folder / "profile"
    profile.mkdir()
    lines = [f'user_pref("{name}", {value});\n' for name, value in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    return [program, "--headless", "--no-remote", "--profile", str(profile), url]


def _webkit(program: str, folder: Path, url: str) -> Sequence[str]:
    return [program, "--private", url]


def _on_path(*names: str) -> Callable[[], Iterator[str]]:
    return lambda: (found for name in names if (found := shutil.which(name)))


def _minibrowsers() -> Iterator[str]:
    for library in LIBRARIES:
        for pattern in (MINIBROWSER, f"*/{MINIBROWSER}"):
            yield from map(str, sorted(library.glob(pattern), reverse=True))


BROWSERS: Mapping[str, Browser] = {
    "chromium": Browser(_on_path("chromium", "chromium-browser", "google-chrome"), _chromium),
    "firefox": Browser(_on_path("firefox-esr", "firefox"), _firefox),
    "webkit": Browser(_minibrowsers, _webkit, needs_screen=True),
}


def program_of(name: str) -> str | None:
    """The path of the browser's program; None where it, or the screen that it needs, is missing."""
    browser = BROWSERS[name]
    if browser.needs_screen and not _has_screen() and shutil.which("Xvfb") is None:
        return None
    return next(browser.programs(), None)


@contextmanager
def opened(name: str, folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The browser's process, at that address, for as long as it is wanted.

    It ends with this process at the latest, and so does its screen. Raises OSError where there is
    no such browser.
    """
    program = program_of(name)
    if program is None:
        raise FileNotFoundError(f"{name} is not installed")
    kept = ("PATH", "LANG", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY")
    environment = {key: os.environ[key] for key in kept if key in os.environ}
    environment |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    screen = None
    if BROWSERS[name].needs_screen and not _has_screen():
        screen, environment["DISPLAY"] = _screen(folder)
    try:
        process = start(BROWSERS[name].command(program, folder, url), environment, str(folder))
        try:
            yield process
        finally:
            _end(process)
    finally:
        if screen is not None:
            _end(screen)


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _screen(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A screen in memory, and its name."""
    program = shutil.which("Xvfb")
    assert program is not None, "program_of has looked for it"
    command = [program, "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "800x600x24"]
    process = start(command, {"PATH": os.environ.get("PATH", "")}, str(folder))
    assert process.stdout is not None
    number = process.stdout.readline().decode().strip()
    if not number:
        _end(process)
        raise OSError("Xvfb did not start")
    return process, f":{number}"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
