"""Find a Chromium or Chrome; on Debian and Ubuntu install one when there is none.

    python tests/browser/chromium.py     prints its path; 1 and what to do without one

This file needs nothing but Python: it runs before the tests do.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = ("Google Chrome", "Chromium")
WHAT_TO_DO = (
    "no Chromium or Chrome found. Debian: apt-get install chromium; elsewhere install "
    "Chrome. If it is there already, say where: CHROMIUM=/path/to/chrome"
)


def find() -> str | None:
    """Path of the browser: $CHROMIUM, then the usual names, then macOS's folders."""
    if os.environ.get("CHROMIUM"):
        return shutil.which(os.environ["CHROMIUM"])
    places = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in MAC]
    found = [shutil.which(name) for name in NAMES] + [
        str(place) for place in places if place.is_file()
    ]
    return next((path for path in found if path), None)


def install() -> None:
    """Install Debian's chromium, where there is apt and we may use it."""
    if platform.system() != "Linux" or not shutil.which("apt-get"):
        return
    sudo = []
    if os.geteuid():
        if not shutil.which("sudo"):
            return
        sudo = ["sudo", "-n"]  # -n: never stop to ask for a password
    print("installing chromium with apt-get (about a minute)", file=sys.stderr)
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            [*sudo, *command], capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            print((done.stderr or done.stdout)[-500:], file=sys.stderr)
            return


def main() -> int:
    if not find():
        install()
    path = find()
    print(path or WHAT_TO_DO, file=sys.stdout if path else sys.stderr)
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
