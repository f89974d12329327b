"""Move whatever a page offers, and see whether something else on it changes.

The controls are found by what they are in the page, never by name: a widget that is
added to a notebook tomorrow is tried without a change here.
"""

from dataclasses import dataclass, field

from playwright.sync_api import TimeoutError

from .lab import SHOWN, wait_idle

WAIT_S = 60  # the model answers within seconds; a busy machine takes longer
KINDS = {
    "checkbox": "input[type=checkbox]",
    "dropdown": "select",
    "upload": ".widget-upload",
    "text": "input[type=text], textarea",
    "number": "input[type=number]",
    "slider": ".noUi-handle, input[type=range], .af-listen-picture",
    "button": "button:not(.widget-upload)",
}
FEEDS_S = 10  # so long we look whether a control needs the button beside it
FEEDS = {"text": FEEDS_S, "number": FEEDS_S, "upload": 20}  # these may need one

# What a reader sees of the widgets of one cell, without the control itself: words,
# pictures, players, what is typed and chosen. A slider's own number does not count, nor
# what a button says of itself: 'Upload (1)', or 'Stop' and the seconds left.
WATCH = """async (cell, own) => {
  const look = () => {
    const seen = [], box = '.af-microphone, .widget-slider, .widget-inline-hbox';
    const mine = own.closest(box) || own;
    const walk = node => {
      if (node === mine) return;
      if (node.nodeType === 3) seen.push(node.data);
      if (node.nodeType !== 1 || node.matches('.widget-readout')) return;
      if (node.matches('img')) seen.push(node.src);
      if (node.matches('canvas')) seen.push(node.toDataURL());
      if (node.matches('audio')) seen.push(node.currentSrc || node.src, node.paused);
      if (node.matches('input, select, textarea')) seen.push(node.value, node.checked);
      if (node.closest('svg')) for (const a of node.attributes) seen.push(a.value);
      for (const key of ['aria-pressed', 'aria-valuetext', 'disabled'])
        seen.push(node.getAttribute(key));
      const { background, backgroundColor, width } = node.style;
      seen.push(background, backgroundColor, width);
      node.childNodes.forEach(walk);
    };
    cell.querySelectorAll('.jp-OutputArea-output').forEach(walk);
    return seen.join('|');
  };
  let before = look(), calm = false;
  // what the last control set off may still be on its way to the page
  for (let i = 0; i < 50 && !calm; i++) {
    await new Promise(resolve => setTimeout(resolve, 200));
    const now = look();
    calm = now === before;
    before = now;
  }
  window.changed = false;
  window.stopWatching?.();
  // also what changes and changes back: 'listening ...' and then the same answer
  const tick = setInterval(() => { window.changed ||= look() !== before; }, 50);
  window.stopWatching = () => clearInterval(tick);
}"""


@dataclass
class Control:
    """One thing to move: its kind, its cell, the element, what it is called."""

    kind: str
    cell: object
    handle: object
    name: str

    def usable(self) -> bool:
        return self.handle.is_visible() and self.handle.is_enabled()


NAME = """e => [e.closest('label')?.innerText, e.ariaLabel, e.placeholder,
  e.closest('.widget-inline-hbox')?.querySelector('.widget-label')?.innerText,
  e.innerText].map(text => (text || '').replace('\\u200b', '').trim())
  .find(Boolean)?.slice(0, 40) || ''"""


VALUE = "e => e.ariaValueNow ?? e.value"


class Stuck(Exception):
    """A slider that does not obey the arrow keys."""


def find(page) -> list[Control]:
    """Every control inside the widgets of the page, text fields before buttons."""
    found = []
    for cell in page.query_selector_all(f".jp-CodeCell:has({SHOWN})"):
        for kind, selector in KINDS.items():
            inside = ", ".join(f":is({SHOWN}) {s}" for s in selector.split(", "))
            for handle in cell.query_selector_all(inside):
                found.append(Control(kind, cell, handle, handle.evaluate(NAME)))
    return found


def move(page, control: Control) -> None:
    """Do what a reader does with the keyboard; files and menus are the system's."""
    handle, kind = control.handle, control.kind
    handle.scroll_into_view_if_needed()
    handle.focus()
    if kind in ("checkbox", "button", "upload"):  # the page fixture chooses the file
        page.keyboard.press("Space")
    elif kind == "dropdown":
        here = handle.evaluate("e => e.selectedIndex")
        # by hand on Linux an arrow does it; on macOS it opens a menu of the system
        handle.select_option(index=here - 1 if here > 0 else here + 1)
    elif kind == "text":
        page.keyboard.press("End")
        page.keyboard.type(" dog")
        page.keyboard.press("Tab")
    elif kind == "number":
        page.keyboard.press("ArrowUp")
    elif kind == "slider":
        value, most = handle.evaluate(VALUE), handle.evaluate("e => e.ariaValueMax")
        at_end = most is not None and float(value) >= float(most)
        page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
        moved = f"([e, before]) => ({VALUE})(e) !== before"
        try:
            page.wait_for_function(moved, arg=[handle, value], timeout=WAIT_S * 1000)
        except TimeoutError:
            raise Stuck(f"slider {control.name!r} does not obey the arrows") from None


def answers(page, control: Control, wait_s: float) -> bool:
    """Whether moving this control changes something else within `wait_s` seconds."""
    watched = [control.cell, control.handle]
    page.evaluate(f"([cell, own]) => ({WATCH})(cell, own)", watched)
    move(page, control)
    try:
        page.wait_for_function("() => window.changed", timeout=wait_s * 1000)
    except TimeoutError:
        return False
    finally:
        page.evaluate("() => window.stopWatching()")
        wait_idle(page)
    return True


def wake(page, control: Control, others: list[Control]) -> bool:
    """A head slider sleeps while 'mean of all heads' is ticked: untick, try again."""
    for box in others:
        if box.kind == "checkbox" and box.usable():
            move(page, box)
            wait_idle(page)
            if answers(page, control, FEEDS_S):
                return True
    return False


@dataclass
class Tried:
    """How many controls were moved, how many only feed a button, which are silent."""

    moved: int = 0
    fed: int = 0
    silent: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.moved} controls moved, {self.fed} of them for a button beside"


def try_all(page) -> Tried:
    """Move every control that can be; `silent` has a line for each that does nothing.

    A control may change nothing but itself where a button beside it reads it.
    """
    controls, tried = find(page), Tried()
    for control in controls:
        if not control.usable():
            continue
        tried.moved += 1
        others = [c for c in controls if c.cell == control.cell and c != control]
        feeds = control.kind in FEEDS or (
            control.kind != "button" and any(c.kind == "button" for c in others)
        )
        try:
            wait_s = FEEDS.get(control.kind, FEEDS_S) if feeds else WAIT_S
            if answers(page, control, wait_s):
                continue
        except Stuck as error:
            tried.silent.append(str(error))
            continue
        if feeds:
            tried.fed += 1
        elif not wake(page, control, others):
            tried.silent.append(f"{control.kind} {control.name!r} changes nothing")
    return tried
