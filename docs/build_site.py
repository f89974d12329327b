"""Build the pages of the course: notebooks as they are stored, with their sounds.

python docs/build_site.py                  all, in runs/site
python docs/build_site.py --silent         without players: seconds, no notebook is run
python docs/build_site.py --sounds 01      the players of notebook 01 only
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from links import broken
from players import put_back
from sphinx.cmd.build import build_main

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGES = {
    "Beside the notebooks": [
        "TUTOR.md",
        "PORTING.md",
        "docs/scaling.md",
        "CONTRIBUTING.md",
        "LOG.md",
    ],
    "Measured": [
        "af_minimal/weights/mini/README.md",
        "af_minimal/weights/mini2/README.md",
        "af_minimal/weights/CREDITS.md",
        "findings/README.md",
    ],
}
LINK = re.compile(r"\]\(([^)#:\s]+)")


def contents(notebooks: list[Path]) -> str:
    """The tables of contents that Sphinx reads from the first page."""
    groups = {"Notebooks": [f"notebooks/{path.name}" for path in notebooks]} | PAGES
    head = "\n```{{toctree}}\n:hidden:\n:caption: {}\n\n"
    lists = [head.format(t) + "\n".join(names) for t, names in groups.items()]
    return "".join(f"{text}\n```\n" for text in lists)


def copy_linked(text: str, page: Path, source: Path) -> None:
    """Copy the files that a page links to, so that its links still lead somewhere."""
    for link in set(LINK.findall(text)):
        path = (ROOT / page.parent / link).resolve()
        if path.is_file() and path.suffix not in (".md", ".ipynb"):
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def stage(source: Path, notebooks: list[Path], sounds: str) -> int:
    """Copy all pages to `source`; how many players there are.

    Notebooks whose names begin with `sounds` get theirs: all with "", none with "none".
    """
    for name in ["README.md", *sum(PAGES.values(), [])]:
        text = (ROOT / name).read_text(encoding="utf-8")
        copy_linked(text, Path(name), source)
        target = source / ("index.md" if name == "README.md" else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text += contents(notebooks) * (name == "README.md")
        target.write_text(text, encoding="utf-8")
    players = 0
    (source / "notebooks").mkdir()
    for path in notebooks:
        text, count = path.read_text(encoding="utf-8"), 0
        if path.name.startswith(sounds):
            text, count = put_back(path, path.parent, source / "sounds", "../sounds")
            print(f"{path.name}: {count} players", flush=True)
        for cell in nbformat.reads(text, as_version=4).cells:
            if cell.cell_type == "markdown":
                copy_linked(cell.source, Path("notebooks") / path.name, source)
        (source / "notebooks" / path.name).write_text(text, encoding="utf-8")
        players += count
    return players


def build(out: Path, sounds: str) -> list[str]:
    """Build the site in `out` from nothing; what is wrong with it, in lines.

    A site that stands there goes when the new one is whole; any other folder with
    something in it is refused.
    """
    if out.exists() and not (out / ".buildinfo").is_file():
        if not out.is_dir() or any(out.iterdir()):
            return [f"{out} is no site, so it is left as it is; give --out another."]
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        source, html, doctrees = (Path(folder) / n for n in ("source", "html", "trees"))
        source.mkdir()
        players = stage(source, notebooks, sounds)
        options = ["-b", "html", "-q", "-W", "--keep-going", "-c", str(DOCS)]
        warned = build_main([*options, "-d", str(doctrees), str(source), str(html)])
        if warned:  # a site that stands in `out` stays
            return ["Sphinx warned of something or broke off; see above."]
        if players:
            shutil.copytree(source / "sounds", html / "sounds")
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(html, out)
    print(f"{len(notebooks)} notebooks, {players} players")
    return broken(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "site")
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--sounds", default="", help="of notebooks that begin so")
    some.add_argument(
        "--silent", action="store_const", const="none", dest="sounds", help="of no one"
    )
    chosen = parser.parse_args()
    start = time.monotonic()
    wrong = build(chosen.out.resolve(), chosen.sounds)
    print("\n".join(wrong), file=sys.stderr)
    if not wrong:
        print(f"{chosen.out / 'index.html'} ({time.monotonic() - start:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
