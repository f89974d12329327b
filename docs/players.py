"""Put the sounds back that stored notebooks leave out.

Each notebook is run in memory, up to its last player and no further; the players go
to files, and the stored texts and pictures stay as they are.
"""

import base64
import hashlib
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from af_minimal.course.clean import LISTEN, text_of

SOUND = re.compile(r'src="data:audio/(?P<kind>[\w-]+);base64,(?P<bytes>[^"]+)"')
CELL_S = 300


def silent(cell: dict) -> list[int]:
    """Numbers of the outputs of a cell whose player was taken out."""
    return [
        number
        for number, output in enumerate(cell.get("outputs", []))
        if LISTEN in text_of(output.get("data", {}).get("text/html", ""))
    ]


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """A copy of the notebook, run in `folder` up to its last missing player."""
    last = max(i for i, cell in enumerate(notebook.cells) if silent(cell))
    copy = nbformat.from_dict(notebook)
    copy.cells = [nbformat.from_dict(cell) for cell in notebook.cells[: last + 1]]
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(copy, timeout=CELL_S, resources=resources).execute()


def sounds_of(cell: dict) -> list[tuple[str, bytes]]:
    """Kind (wav, ...) and content of the players that a cell shows, in order."""
    html = [text_of(o.get("data", {}).get("text/html", "")) for o in cell["outputs"]]
    found = filter(None, map(SOUND.search, html))
    return [(f["kind"].split("-")[-1], base64.b64decode(f["bytes"])) for f in found]


def save(kind: str, content: bytes, folder: Path) -> str:
    """Write a sound to `folder`, under a name made from its content; the name."""
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def put_back(path: Path, folder: Path, sounds: Path, address: str) -> tuple[str, int]:
    """The notebook at `path` as text, with players, and how many there are.

    It is run in `folder`; sounds go to the folder `sounds`, which pages see at
    `address`. Raises ValueError when a run gives other players than are stored.
    """
    notebook = nbformat.read(path, as_version=4)
    if not any(map(silent, notebook.cells)):
        return nbformat.writes(notebook), 0
    count = 0
    for cell, fresh in zip(notebook.cells, run(notebook, folder).cells, strict=False):
        numbers = silent(cell)
        found = sounds_of(fresh) if numbers else []
        if len(found) != len(numbers):
            raise ValueError(
                f"{path.name}: a cell plays {len(found)} sounds and {len(numbers)} "
                f"are stored; run make notebooks:\n{cell.source[:200]}"
            )
        for number, (kind, content) in zip(numbers, found, strict=True):
            count += 1
            source = f"{address}/{save(kind, content, sounds)}"
            data = cell.outputs[number].data
            data["text/html"] = text_of(data["text/html"]).replace(
                LISTEN,
                f'<audio controls aria-label="sound {count} of this page" '
                f'preload="metadata" src="{source}"></audio>',
            )
    return nbformat.writes(notebook), count
