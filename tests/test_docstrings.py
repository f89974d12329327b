"""Every public thing says what it is; package and notebooks name each other.

`test_repository.py` asks more of the core: where each of its functions is taught.
"""

import ast
import json
import re
from functools import cache
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


def raised_by(function: ast.AST) -> set[str]:
    """The errors that the body of a function raises itself, by name."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    names = set()
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(error).rsplit(".")[-1]
            if name[0].isupper():  # an error that was caught keeps its own name
                names.add(name)
        if not isinstance(node, inner):
            names |= raised_by(node)
    return names - {"NotImplementedError"}


def unnamed_errors(tree: ast.Module | ast.ClassDef) -> list[str]:
    """Public functions, each with an error that its docstring does not name."""
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            found += [f"{node.name}.{one}" for one in unnamed_errors(node)]
        else:
            said = ast.get_docstring(node) or ""
            missing = sorted(raised_by(node) - set(re.findall(r"\w+", said)))
            found += [f"{node.name}: {error}" for error in missing]
    return found


def test_an_error_that_is_not_named_is_found():
    tree = ast.parse(
        "class Store:\n"
        "    def find(self, k):\n"
        "        'Look.'\n"
        "        if k < 1:\n"
        "            raise ValueError(k)\n"
        "        def inner():\n"
        "            raise KeyError\n"
        "def read(path):\n"
        "    'Read it; OSError when it is not there.'\n"
        "    raise OSError(path)\n"
        "async def wait():\n"
        "    'Wait; TimeoutErrors are rare.'\n"
        "    raise TimeoutError\n"
        "def _aside():\n"
        "    raise TypeError\n"
        "def again():\n"
        "    try:\n"
        "        read(1)\n"
        "    except OSError as error:\n"
        "        raise error\n"
        "    raise NotImplementedError\n"
    )
    assert unnamed_errors(tree) == ["Store.find: ValueError", "wait: TimeoutError"]


@every_module
def test_every_error_is_named_where_it_is_raised(path):
    assert not unnamed_errors(tree_of(path)), "say in the docstring when it comes"


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


def words_for(path: Path) -> set[str]:
    """What prose may call a module: its file, or the folder that it is in."""
    inside = path.relative_to(PACKAGE)
    whole = f"{PACKAGE.name}/{inside}"
    files = {whole, str(inside), inside.name} - {"__init__.py"}
    return files | {f"{folder}/" for folder in inside.parents[:-1]}


def taken_from_package(code: str) -> set[str]:
    """Modules, and things in them, that code imports or reaches by a dot."""
    tree, found, bound = ast.parse(code), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("af_minimal"):
            found |= {f"{node.module}.{a.name}" for a in node.names} | {node.module}
            bound |= {a.asname or a.name for a in node.names}
        elif isinstance(node, ast.Import):
            bound |= {a.asname for a in node.names if a.name.startswith("af_minimal")}
    for node in ast.walk(tree):
        whole = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if whole.split(".")[0] in bound:
            found |= {whole}
    return {part for name in found for part in ends_of(name)}


def ends_of(name: str) -> list[str]:
    """a.b.c -> a.b.c, b.c, c."""
    parts = name.split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


@cache
def used_and_said(notebook: Path) -> tuple[set[str], set[str]]:
    """What a notebook takes from the package, and the files that its prose names."""
    code, said = [], set()
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            said |= set(FILE.findall(text))
        elif not text.startswith("%%"):
            lines = text.splitlines()
            code += [x for x in lines if not x.lstrip().startswith(("%", "!"))]
    return taken_from_package("\n".join(code)), said


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_notebooks_that_teach_a_part_of_the_core_name_its_file(path):
    existing = {p.name: p for p in NOTEBOOKS}
    for name in notebooks_named_by(path) & set(existing):
        text = existing[name].read_text(encoding="utf-8")
        assert path.name in text, f"{name} does not name {path.name}"


@every_module
def test_notebooks_that_teach_a_module_name_it_or_use_it(path):
    existing = {p.name: p for p in NOTEBOOKS}
    inside = path.relative_to(PACKAGE).with_suffix("")
    dotted = ".".join(inside.parts).removesuffix(".__init__")
    own = {name for name, _ in public_things(tree_of(path)) if "." not in name}
    for name in notebooks_named_by(path) & set(existing):
        used, said = used_and_said(existing[name])
        mine = own | {dotted, dotted.rsplit(".", 1)[-1]}
        assert mine & used or words_for(path) & said, (
            f"{name} neither uses {inside}.py nor names it: say in its prose what the "
            "file is for, or drop `Taught in`"
        )


def test_what_a_notebook_takes_is_seen():
    code = (
        "import af_minimal as af\nfrom af_minimal.course import viz\nimport numpy as np"
    )
    code += "\naf.disk.storage.SHIPPED\nviz.mel(x)\nnp.mean(x)\nx.hear()"
    found = taken_from_package(code)
    assert {"course", "viz", "storage.SHIPPED", "disk.storage", "mel"} <= found
    assert not {"mean", "hear"} & found
    names = {"af_minimal/a/b.py", "a/b.py", "b.py", "a/"}
    assert words_for(PACKAGE / "a" / "b.py") == names
    names = {"af_minimal/a/__init__.py", "a/__init__.py", "a/"}
    assert words_for(PACKAGE / "a" / "__init__.py") == names


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
