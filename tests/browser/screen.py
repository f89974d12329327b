"""Pictures of a whole notebook, and the first player on it."""

from pathlib import Path

SCROLLER = ".jp-WindowedPanel-outer"
TALLEST = 8_000  # pixels; a longer notebook is cut into pieces
MARGIN = 160  # menus and toolbars above the notebook
HEIGHT = """() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
  const box = cell => cell.getBoundingClientRect();
  return Math.ceil(box(cells.at(-1)).bottom - box(cells[0]).top) + 40;
}"""


def photograph(page, path: Path) -> list[Path]:
    """Save the whole notebook as `path`, or as path_1, path_2, ... when it is long."""
    for old in path.parent.glob(f"{path.stem}*.png"):
        old.unlink()
    width = page.viewport_size["width"]
    height = page.evaluate(HEIGHT)
    fits = min(height + MARGIN, TALLEST)
    page.set_viewport_size({"width": width, "height": fits})
    paths, top = [], 0
    while not paths or top < height:
        page.evaluate(f"document.querySelector('{SCROLLER}').scrollTop = {top}")
        page.wait_for_timeout(300)  # pictures that come into view are drawn
        number = "" if height + MARGIN <= fits else f"_{len(paths)}"
        name = path.with_stem(path.stem + number)
        page.screenshot(path=name)
        paths.append(name)
        top += fits - MARGIN
    page.set_viewport_size({"width": width, "height": 1400})
    return paths


# what a reader who hears the page is not told the name of
NAMELESS = """() => {
  const all = s => [...document.querySelectorAll(`.jp-OutputArea-output ${s}`)];
  const silent = e => !e.getAttribute('aria-label');
  return [
    ...all('.widget-image').filter(e => !e.alt),
    ...all('[role=slider], .jupyter-widgets audio, audio.jupyter-widgets')
      .filter(silent),
    ...all('input[type=checkbox]')
      .filter(e => !/[a-z]{2}/.test(e.labels[0]?.innerText)),
  ].map(e => `${e.localName} ${e.className} has no name`);
}"""
# controls that cannot be used: cut off, squeezed, or outside the output they are in
CUT_OFF = """() => {
  const least = { BUTTON: 30, INPUT: 10, SELECT: 60, DIV: 60 };  // pixels
  const controls = 'button, input, select, .noUi-base';
  return [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(area => {
    const { left, right } = area.getBoundingClientRect();
    return [...area.querySelectorAll(controls)].filter(e => {
      const box = e.getBoundingClientRect();
      const cut = e.matches('button') && e.scrollWidth > e.clientWidth + 1;
      const outside = box.left < left - 1 || box.right > right + 1;
      return e.offsetParent && (cut || outside || box.width < least[e.tagName]);
    }).map(e => `${e.localName} ${e.className} ${e.innerText}`);
  });
}"""


def play_by_key(page) -> bool:
    """Let the space bar play a `listen` and see it move; False without one."""
    picture = page.query_selector(".af-listen-picture")
    if not picture:
        return False
    picture.scroll_into_view_if_needed()
    picture.focus()
    page.keyboard.press("Home")
    player = picture.query_selector("xpath=..//audio")
    page.wait_for_function("e => e.currentTime === 0 && e.paused", arg=player)
    page.keyboard.press("Space")
    page.wait_for_function("e => e.currentTime > 0.1 && !e.paused", arg=player)
    page.keyboard.press("Space")
    page.wait_for_function("e => e.paused", arg=player)
    return True


def play_first(page) -> bool:
    """Play the first sound on the page and see it move; False without a player."""
    players = page.query_selector_all(".jp-OutputArea-output audio")
    # a widget's player may wait for a sound of the reader's
    loaded = [p for p in players if p.evaluate("e => e.duration > 0")]
    if not loaded:
        return False
    loaded[0].scroll_into_view_if_needed()
    loaded[0].evaluate("e => { e.currentTime = 0; return e.play(); }")
    page.wait_for_function("e => e.currentTime > 0.1", arg=loaded[0])
    loaded[0].evaluate("e => e.pause()")
    return True
