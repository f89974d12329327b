"""`make site`: links looked at, formulas drawn, players put back."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import build_site  # noqa: E402
import links  # noqa: E402
import mathml  # noqa: E402
import players  # noqa: E402

from af_minimal.course import clean  # noqa: E402

GOOD = """<link rel="stylesheet" href="a.css"><a href="b.html#there">b</a>
<a href="https://example.org">elsewhere</a><img src="data:image/png;base64,AA==">
<audio src="s/a%20b.wav"></audio><h2 id="here"></h2><a href="#here">up</a>"""
BAD = {
    '<a href="c.html">c</a>': "no such file",
    '<a href="b.html#nowhere">b</a>': "no such place",
    '<img src="c.png">': "no such file",
    '<script src="https://example.org/require.js"></script>': "loads https:",
    '<link rel="stylesheet" href="//example.org/a.css">': "loads //",
}


def write_site(folder, page: str):
    (folder / "s").mkdir()
    for name, text in {
        "index.html": page,
        "b.html": '<h1 id="there"></h1>',
        "a.css": "",
        "s/a b.wav": "",
    }.items():
        (folder / name).write_text(text)
    return folder


def test_links_that_lead_somewhere_are_fine(tmp_path):
    assert links.broken(write_site(tmp_path, GOOD)) == []
    assert links.main(str(tmp_path)) == 0


@pytest.mark.parametrize("page", BAD)
def test_a_dead_link_or_another_host_is_found(tmp_path, page):
    (line,) = links.broken(write_site(tmp_path, GOOD + page))
    assert line.startswith("index.html: ") and BAD[page] in line


def test_formulas_become_mathml():
    text = mathml.convert(r"\frac{p}{\sqrt{E}}")
    assert "<math" in text and "<mfrac>" in text and "<msqrt>" in text


@pytest.fixture
def stored(tmp_path):
    """A cleaned notebook: text, player, text, player; then a cell that fails."""
    source = "for i in 1, 2: print(i); display(Audio([0, 1] * 50 * i, rate=8000))"
    sources = ["from IPython.display import Audio, display", source, "1 / 0"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    html = {"text/html": f"<p>{clean.LISTEN}</p>"}
    for i in "12":
        notebook.cells[1].outputs += [
            nbformat.v4.new_output("stream", name="stdout", text=f"stored {i}\n"),
            nbformat.v4.new_output("display_data", data=html),
        ]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    return tmp_path / "a.ipynb"


def test_players_come_back_and_texts_stay(stored):
    before, sounds = stored.read_bytes(), stored.parent / "sounds"
    text, count = players.put_back(stored, stored.parent, sounds, "../sounds")
    outputs = nbformat.reads(text, as_version=4).cells[1].outputs
    assert count == 2
    assert [o.text for o in outputs[::2]] == ["stored 1\n", "stored 2\n"]
    files = sorted(path.name for path in sounds.iterdir())
    assert len(files) == 2  # two sounds that differ
    for output in outputs[1::2]:
        html = output.data["text/html"]
        assert html.startswith("<p><audio controls") and clean.LISTEN not in html
        assert (
            f'aria-label="sound {outputs.index(output) // 2 + 1} of this page"' in html
        )
        assert any(f'src="../sounds/{name}"' in html for name in files)
    assert (sounds / files[0]).read_bytes()[:4] == b"RIFF"
    assert stored.read_bytes() == before


def test_a_run_that_plays_nothing_is_an_error(stored):
    notebook = nbformat.read(stored, as_version=4)
    notebook.cells[1].source = "print('no sound')"
    nbformat.write(notebook, stored)
    with pytest.raises(ValueError, match="plays 0 sounds and 2 are stored"):
        players.put_back(stored, stored.parent, stored.parent / "sounds", "")


def test_what_the_readme_links_to_is_a_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {link for link in build_site.LINK.findall(text) if link.endswith(".md")}
    pages = sum(build_site.PAGES.values(), [])
    assert "docs/scaling.md" in linked and linked <= set(pages)
    assert all((ROOT / page).is_file() for page in pages)


def test_only_a_site_or_nothing_is_built_over(tmp_path, monkeypatch):
    def fake(arguments):
        (Path(arguments[-1]) / ".buildinfo").parent.mkdir()
        (Path(arguments[-1]) / ".buildinfo").touch()
        return 0

    monkeypatch.setattr(build_site, "build_main", fake)
    out, beside = tmp_path / "out", tmp_path / "out-source"
    for folder in (out, beside):
        folder.mkdir()
        (folder / "precious").touch()
    (line,) = build_site.build(out, "none")
    assert line == f"{out} is no site, so it is left as it is; give --out another."
    assert (out / "precious").is_file()
    (out / ".buildinfo").touch()  # now it looks like a site of ours
    assert build_site.build(out, "none") == []
    assert [path.name for path in out.iterdir()] == [".buildinfo"]
    assert (beside / "precious").is_file()
    assert build_site.build(tmp_path / "new", "none") == []
    for broken in (lambda arguments: 2, lambda arguments: fake(arguments) or 2):
        monkeypatch.setattr(build_site, "build_main", broken)
        (out / "page.html").touch()
        (line,) = build_site.build(out, "none")
        assert "broke off" in line and (out / "page.html").is_file()  # the old one


@pytest.mark.slow
def test_the_whole_site_builds_and_holds_every_notebook(tmp_path):
    """Without players: they are made by running the notebooks."""
    done = subprocess.run(
        [sys.executable, "docs/build_site.py", "--silent", "--out", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tmp_path / 'site' / 'index.html'} (" in done.stdout
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        page = tmp_path / "site" / "notebooks" / f"{path.stem}.html"
        text = page.read_text(encoding="utf-8")
        assert "<img" in text
        # words for those who cannot see it, neither a file's name nor nothing
        assert 'alt="../' not in text and 'alt=""' not in text, path.name
    assert "notebooks/11_" in (tmp_path / "site" / "searchindex.js").read_text()
