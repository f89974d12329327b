"""Every public thing says what it is; package and notebooks name each other.

`test_repository.py` asks more of the core: where each of its functions is taught.
"""

import ast
import json
import re
from pathlib import Path

import pytest
from test_repository import (
    CORE,
    MODULES,
    NOTEBOOKS,
    PACKAGE,
    WRITTEN_NOTEBOOKS,
    each_notebook,
    every_module,
    taught_in,
    tree_of,
)

FILE = re.compile(r"`([\w/]+(?:\.py|/))`")


def public_things(tree: ast.Module) -> list[tuple[str, str | None]]:
    """(name, docstring) of the module, its functions and classes, and their methods."""
    found, kinds = [("the module", ast.get_docstring(tree))], (ast.FunctionDef,)
    kinds += ast.AsyncFunctionDef, ast.ClassDef

    def walk(node: ast.Module | ast.ClassDef, above: str) -> None:
        for inner in node.body:
            if isinstance(inner, kinds) and not inner.name.startswith("_"):
                found.append((above + inner.name, ast.get_docstring(inner)))
                if isinstance(inner, ast.ClassDef):
                    walk(inner, f"{inner.name}.")

    walk(tree, "")
    return found


def opened_by(head: str) -> list[str]:
    """The files and folders of the package that the head of a notebook lists."""
    after = re.split(r"Opens:", head, maxsplit=1)[1:]
    listed = re.split(r"\n\n|\*Costs|You need", after[0])[0] if after else ""
    return FILE.findall(listed)


def notebooks_named_by(path: Path) -> set[str]:
    """The notebooks that a module, or anything public in it, says it is taught in."""
    things = public_things(tree_of(path))
    return {name for _, text in things for name in taught_in(text)}


def head_of(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"])


@every_module
def test_every_public_thing_has_a_docstring(path):
    silent = [name for name, text in public_things(tree_of(path)) if not text]
    assert not silent


@every_module
def test_taught_in_stands_last_and_names_a_notebook_that_exists(path):
    existing = {p.name for p in NOTEBOOKS}
    for name, text in public_things(tree_of(path)):
        if "Taught in:" in (text or ""):
            named = taught_in(text)
            assert named, f"{name}: `Taught in: notebooks/NN_x.ipynb` is the last line"
            planned = [n for n in named if int(n[:2]) >= WRITTEN_NOTEBOOKS]
            assert set(named) <= existing | set(planned), name


@each_notebook
def test_notebook_and_the_files_it_opens_name_each_other(path):
    opened = opened_by(head_of(path))
    assert opened, "the head lists what it opens: `Opens: `audio.py`, ...`"
    for name in opened:
        files = [p for p in MODULES if str(p.relative_to(PACKAGE)).startswith(name)]
        assert files, f"{name} is not in the package"
        named = set().union(*map(notebooks_named_by, files))
        assert path.name in named, f"nothing in {name} says it is taught here"


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_notebooks_that_teach_a_part_of_the_core_name_its_file(path):
    existing = {p.name: p for p in NOTEBOOKS}
    for name in notebooks_named_by(path) & set(existing):
        text = existing[name].read_text(encoding="utf-8")
        assert path.name in text, f"{name} does not name {path.name}"


def test_silent_things_and_lists_are_seen():
    code = '"""A module."""\ndef f():\n    pass\ndef _g():\n    pass\n'
    code += 'class C:\n    """One."""\n    def m(self):\n        pass\n'
    silent = [name for name, text in public_things(ast.parse(code)) if not text]
    assert silent == ["f", "C.m"]
    head = "# A\n\n*Opens:* `a.py`, `soundworld/`. *Costs:* `b.py`."
    assert opened_by(head.replace("*Opens:*", "Opens:")) == ["a.py", "soundworld/"]
    assert opened_by(head) == ["a.py", "soundworld/"]
    assert opened_by("Opens: `a.py`,\n`b/c.py`.\n\nBudget: `d.py`") == [
        "a.py",
        "b/c.py",
    ]
    assert opened_by("# Nothing") == []
