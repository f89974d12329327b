"""Take players and dead widgets out of stored notebooks.

Ten seconds of sound are 427 kB of text, and a widget without its kernel shows an error.

    python af_minimal/course/clean.py notebooks/*.ipynb            rewrites them
    python af_minimal/course/clean.py --check notebooks/*.ipynb    only looks

Both come back when their cell is run. This file needs nothing but Python, so that
a commit hook starts at once.
"""

import json
import os
import re
import sys
from pathlib import Path

LISTEN = "<em>Run this cell to listen.</em>"
PRESS = "Run this cell to see the widget."
WIDGET = "application/vnd.jupyter.widget-view+json"
PLAYER = re.compile(r"<audio\b.*?</audio>", re.DOTALL | re.IGNORECASE)
PAYLOAD = re.compile(r"data:(audio|video)/", re.IGNORECASE)


def text_of(value) -> str:
    """Notebook text is a string or a list of lines; always the string."""
    return "".join(value) if isinstance(value, list) else str(value)


def is_audio(kind: str, value) -> bool:
    """Whether one part of an output holds sound."""
    return kind.startswith(("audio/", "video/")) or bool(PAYLOAD.search(text_of(value)))


def audio_outputs(notebook: dict) -> list[int]:
    """Numbers of the cells (from 0) whose outputs or attachments hold sound."""
    found = []
    for number, cell in enumerate(notebook["cells"]):
        bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
        bundles += cell.get("attachments", {}).values()
        if any(is_audio(k, v) for data in bundles for k, v in data.items()):
            found.append(number)
    return found


def live_widgets(notebook: dict) -> list[int]:
    """Numbers of the cells (from 0) that show a widget, which needs its kernel."""
    return [
        number
        for number, cell in enumerate(notebook["cells"])
        if any(WIDGET in output.get("data", {}) for output in cell.get("outputs", []))
    ]


def problems(notebook: dict) -> list[str]:
    """What `make clean-nb` would take out of a notebook, a line for each kind."""
    cells, live = audio_outputs(notebook), live_widgets(notebook)
    found = [f"cells {cells} store audio"] * bool(cells)
    found += [f"cells {live} show widgets"] * bool(live)
    state = "widgets" in notebook["metadata"]
    return found + ["metadata.widgets holds the state of widgets"] * state


def strip_widgets(notebook: dict) -> dict:
    """Replace live widgets by their picture, if they have one, and a line of words.

    Finished progress bars go altogether.
    """
    for cell in notebook["cells"]:
        kept = []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if data.pop(WIDGET, None) is not None:
                if "%|" in text_of(data.get("text/plain", "")):  # tqdm
                    continue
                data["text/plain"] = PRESS
                if "image/png" in data:  # a page shows the picture or the words
                    words = {"data": {"text/plain": PRESS}, "metadata": {}}
                    kept.append(output)
                    output = {"output_type": "display_data"} | words
            kept.append(output)
        if "outputs" in cell:
            cell["outputs"] = kept
    notebook["metadata"].pop("widgets", None)
    return notebook


def strip_audio(notebook: dict) -> dict:
    """Replace every stored player by a line that says how to get it back.

    Attached sounds go without one.
    """
    for cell in notebook["cells"]:
        for name, data in list(cell.get("attachments", {}).items()):
            if any(is_audio(kind, value) for kind, value in data.items()):
                del cell["attachments"][name]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [k for k, v in data.items() if is_audio(k, v)]:
                html = PLAYER.sub(LISTEN, text_of(data[kind]))
                keep = kind == "text/html" and not PAYLOAD.search(html)
                del data[kind]
                data["text/html"] = html if keep else LISTEN
    return notebook


def write_notebook(path: Path, notebook: dict) -> None:
    """Write as Jupyter does: one space of indent, a newline at the end."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    temporary = path.with_suffix(".ipynb.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def main(arguments: list[str]) -> int:
    """Clean, or with --check report, the notebooks named; 1 when a check fails."""
    check = "--check" in arguments
    failed = 0
    for path in map(Path, (a for a in arguments if a != "--check")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if check:
            for problem in problems(notebook):
                print(f"{path}: {problem}; run `make clean-nb`.")
                failed = 1
        else:
            write_notebook(path, strip_widgets(strip_audio(notebook)))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
