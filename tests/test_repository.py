"""The rules of the house: sizes, arrows, docstrings, nothing unsafe, no local paths.

python tests/test_repository.py      prints the line counts
"""

import ast
import io
import json
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "af_minimal"
CORE = sorted(p for p in PACKAGE.glob("*.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MAX_MODULE_LINES = 250
MAX_CORE_LINES = 2_000
MAX_FUNCTION_LINES = 50
MAX_WEIGHTS = {"mini": 25, "mini2": 20}  # megabytes of what is shipped, by model
WRITTEN_NOTEBOOKS = 16  # 00 to 15; later numbers may be named before they exist

# a module imports what stands above it
ROOMS = (
    ("config", "disk", "scale", "towers"),
    ("audio",),
    ("encoders",),
    ("clap",),
    ("audio_transformer",),
    ("xattn",),
    ("language_model",),
    ("model",),
    ("prompts",),
    ("tokenizer", "blending"),
    ("data",),
    ("retrieval",),
    ("stages",),
    ("training",),
    ("generation",),
    ("chat",),
    ("evaluation",),
    ("official",),
    ("soundworld",),
    ("systems",),  # above the two that measure and teach them
    ("findings",),
    ("course",),
)
RANK = {name: i for i, room in enumerate(ROOMS) for name in room}
OUTSIDE = {
    "__init__",
    "__main__",
    "commands",
}  # the front door and the command line open any room
UPWARD_IN_FUNCTIONS = {"model"}  # model.ask calls generation
SOUNDWORLD_TOO = {"training", "evaluation"}

every_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE))
)
core_module = pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_and_classes(tree: ast.AST) -> list:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def docstring_lines(tree: ast.Module) -> set[int]:
    lines = set()
    for node in [tree, *functions_and_classes(tree)]:
        if ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines |= set(range(text.lineno, text.end_lineno + 1))
    return lines


def code_lines(path: Path) -> int:
    """Lines with code: not blank, not only a comment, not a docstring."""
    source = path.read_text(encoding="utf-8")
    quiet = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in quiet:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(tree_of(path)))


def tracked_files() -> list[Path]:
    """What git tracks; everything but hidden folders where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode == 0:
        return [ROOT / n for n in done.stdout.split("\0") if n and (ROOT / n).exists()]
    files = [p for p in ROOT.rglob("*") if p.is_file()]
    return [p for p in files if not p.relative_to(ROOT).parts[0].startswith(".")]


# sizes


@every_module
def test_module_is_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE_LINES, "two ideas in one file? split it"


def test_core_is_small():
    assert sum(map(code_lines, CORE)) <= MAX_CORE_LINES, "run: make loc"


@every_module
def test_functions_are_short(path):
    for node in functions_and_classes(tree_of(path)):
        if not isinstance(node, ast.ClassDef):
            lines = node.end_lineno - node.lineno + 1
            inner = docstring_lines(ast.Module([node], []))
            assert lines - len(inner) <= MAX_FUNCTION_LINES, node.name


def test_code_lines_counts_code_only(tmp_path):
    path = tmp_path / "x.py"
    path.write_text('"""Doc\nstring."""\n\n# comment\nx = """two\nlines"""\ny = 1\n')
    assert code_lines(path) == 3


# arrows


def imported(path: Path) -> list[tuple[str, bool]]:
    """(room, inside a function?) of every import from this package."""
    tree = tree_of(path)
    inside = {
        id(node)
        for function in functions_and_classes(tree)
        if not isinstance(function, ast.ClassDef)
        for node in ast.walk(function)
    }
    depth = len(path.relative_to(PACKAGE).parts)
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.startswith("af_minimal")]
            names = [n.removeprefix("af_minimal").lstrip(".") for n in names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.split(".")[0] == "af_minimal":
                module = module.removeprefix("af_minimal").lstrip(".")
            elif node.level != depth:
                continue  # another package, or a neighbour in the same sub-package
            names = [module] if module else [a.name for a in node.names]
        found += [(name.split(".")[0], id(node) in inside) for name in names]
    return found


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@every_module
def test_arrows_go_down_the_list_of_rooms(path):
    room = room_of(path)
    if room in OUTSIDE:
        return
    assert room in RANK, f"say in ROOMS where {room} stands"
    for name, in_function in imported(path):
        if room in UPWARD_IN_FUNCTIONS and in_function:
            continue
        if room in SOUNDWORLD_TOO and name == "soundworld":
            continue
        assert RANK.get(name, -1) <= RANK[room], f"{room} imports {name}, below it"


def test_imports_are_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    path = tmp_path / "audio.py"
    path.write_text(
        "import torch\nfrom . import model, data\nfrom .xattn import y\n"
        "def f():\n    from af_minimal.course.viz import mel\n"
    )
    assert sorted(imported(path)) == [
        ("course", True),
        ("data", False),
        ("model", False),
        ("xattn", False),
    ]


# docstrings


def taught_in(text: str | None) -> list[str]:
    """Notebook names on the last line of a docstring, if it says `Taught in:`."""
    last = (text or "").strip().splitlines()[-1:] or [""]
    if not last[0].strip().startswith("Taught in:"):
        return []
    return re.findall(r"\d\d_\w+\.ipynb", last[0])


@core_module
def test_public_things_say_where_they_are_taught(path):
    if path.stem in OUTSIDE:
        return
    tree = tree_of(path)
    whole_module = taught_in(ast.get_docstring(tree))
    existing = {p.name for p in NOTEBOOKS}
    for node in [tree, *tree.body]:
        kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
        if not isinstance(node, kinds) or getattr(node, "name", "x").startswith("_"):
            continue
        name = getattr(node, "name", path.name)
        assert ast.get_docstring(node), f"{name} has no docstring"
        own = taught_in(ast.get_docstring(node))
        assert own or whole_module, f"{name}: end with `Taught in: notebooks/...`"
        for notebook in own:
            planned = int(notebook[:2]) >= WRITTEN_NOTEBOOKS
            assert planned or notebook in existing, f"{name} names {notebook}"


@each_notebook
def test_notebook_opens_the_modules_that_say_they_are_taught_there(path):
    text = path.read_text(encoding="utf-8")
    for module in CORE:
        if path.name in taught_in(ast.get_docstring(tree_of(module))):
            assert module.name in text, f"name `{module.name}` in the head"


# nothing unsafe


@every_module
def test_nothing_unpickles_or_trusts_remote_code(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {a.name for a in node.names} | {getattr(node, "module", "")}
            assert not names & {"pickle", "dill", "joblib", "cloudpickle"}
        if isinstance(node, ast.keyword):
            assert node.arg != "trust_remote_code"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            safe = any(
                k.arg == "weights_only" and getattr(k.value, "value", None) is True
                for k in node.keywords
            )
            assert called != "torch.load" or safe, "torch.load needs weights_only=True"
            assert called not in ("eval", "exec", "os.system")


LOCAL_PATH = re.compile(
    r"(?<![\w.~$}/-])/(work|root|home|tmp|opt|Users|mnt)/[\w.]|[A-Z]:\\\\?Users"
)


def test_no_file_names_a_path_of_one_machine():
    found = []
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".ipynb", ".toml", ".yml", ".json", ".txt"}:
            text = path.read_text(encoding="utf-8")
            found += [(path.name, m.group()) for m in LOCAL_PATH.finditer(text)]
    assert not found


def test_local_paths_are_recognised():
    assert LOCAL_PATH.search("open('/home/" + "ada/x.wav')")
    assert not LOCAL_PATH.search("https://host.org/home/x and runs/opt/x")


def test_files_are_small_except_weights():
    weights = PACKAGE / "weights"
    large = [
        (p.name, p.stat().st_size)
        for p in tracked_files()
        if p.stat().st_size > 1_048_576 and not p.is_relative_to(weights)
    ]
    assert not large
    for name, megabytes in MAX_WEIGHTS.items():
        shipped = [p for p in tracked_files() if p.is_relative_to(weights / name)]
        assert sum(p.stat().st_size for p in shipped) <= megabytes * 1_000_000, name
    assert {p.name for p in weights.iterdir() if p.is_dir()} <= set(MAX_WEIGHTS)


# notebooks do not copy the package


@cache
def public_names() -> dict[str, str]:
    names = {}
    for path in CORE:
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                if not node.name.startswith("_"):
                    names[node.name] = path.name
    return names


@each_notebook
def test_notebook_redefines_no_package_name(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or source.startswith("%%"):
            continue
        lines = [
            x for x in source.splitlines() if not x.lstrip().startswith(("%", "!"))
        ]
        for node in ast.parse("\n".join(lines)).body:
            name = getattr(node, "name", None)
            home = public_names().get(name)
            assert home is None, f"{name} is in {home}; call yours my_{name}"


def print_line_counts() -> None:
    """Code lines of every core module, and of everything else together."""
    for path in CORE:
        print(f"{code_lines(path):6d}  {path.relative_to(ROOT)}")
    print(f"{sum(map(code_lines, CORE)):6d}  the core, cap {MAX_CORE_LINES}")
    for folder in sorted(p for p in PACKAGE.iterdir() if list(p.glob("*.py"))):
        print(f"{sum(map(code_lines, folder.rglob('*.py'))):6d}  {folder.name}/")


if __name__ == "__main__":
    print_line_counts()


def scores_of_the_card() -> dict[tuple[str, str], tuple[str, str]]:
    """What the card of `mini` prints: (section, row) -> (items, score)."""
    card = (PACKAGE / "weights" / "mini" / "README.md").read_text(encoding="utf-8")
    section, found = "", {}
    for line in card.splitlines():
        if head := re.fullmatch(r"(\S.*?) +n  score .*", line):
            section = head[1]
        elif row := re.match(r"(\S.*?) {2,}(\d+)  (-?\d\.\d{3})\b", line):
            # another model's table stands behind that of the shipped one
            found.setdefault((section, row[1]), (row[2], row[3]))
    return found


OWN, NOISE = "SoundWorld, held out", "SoundWorld, held out, hears noise"
SHOTS = "Few-shot, 3 seeds"
TOLD = {  # what the README says of a number -> section and row of the card
    r"captions name every sound, in order, in (\S+) \(": (OWN, "caption"),
    r"\(while it hears noise instead: (\S+)\)": (NOISE, "caption"),
    r"yes or no is right in (\S+) ": (OWN, "yes or no"),
    r"yes or no is right in \S+ \(on noise (\S+)\)": (NOISE, "yes or no"),
    r"counts in (\S+) ": (OWN, "count"),
    r"counts in \S+ \((\S+)\)": (NOISE, "count"),
    r"from four similar examples in (\S+)\.": (SHOTS, "unseen names, 4 similar"),
    r"rises with them: (\S+), \S+ and \S+ with": (SHOTS, "another ear, 1 similar"),
    r"rises with them: \S+, (\S+) and \S+ with": (SHOTS, "another ear, 4 similar"),
    r"rises with them: \S+, \S+ and (\S+) with": (SHOTS, "another ear, 8 similar"),
    r"recordings, fold 5 of ESC-10, (\S+) are named in free words": (
        "Real recordings",
        "answer in free words",
    ),
}


def test_the_readme_has_the_numbers_of_the_card():
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    told = told.partition("## How good it is")[2].partition("## Speed")[0]
    told, card = " ".join(told.split()), scores_of_the_card()
    for words, row in TOLD.items():
        number = re.search(words, told)
        assert number and number[1] == card[row][1], (words, row, card[row])
    assert len(re.findall(r"\b0\.\d{3}\b", told)) == len(TOLD)
    assert f"On {card[OWN, 'caption'][0]} held-out scenes" in told
    assert f"Of {card['Real recordings', 'answer in free words'][0]} real" in told
