// Jupyter takes arrows, space and letters as its shortcuts, wherever the reader is.
// Inside a widget they belong to the widget. Lumino spares an element that is marked,
// and must find the mark on the element with the focus: its parents come too late.
// And Jupyter names neither its pictures nor its sliders and players: a reader who
// hears the page would be told "image", "slider", "audio".

// what has no name, the box around it, and the words in there that may be its name
const NAMELESS = [
  [".noUi-handle", ".widget-inline-hbox", ".widget-label", "slider"],
  ["audio.jupyter-widgets", ".widget-hbox", ".widget-html-content", "the sound"],
];

function render({ model, el }) {
  el.style.display = "none";
  let panel = null; // what this stands in
  let focused = null; // in the panel, last
  let lost = null; // had the focus when it was disabled
  const mark = ({ target }) => {
    focused = panel?.contains(target) ? target : null;
    if (el.closest(".jp-OutputArea-output")?.contains(target))
      target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  document.addEventListener("focusin", mark);
  const name = () => {
    for (const image of panel.querySelectorAll("img.widget-image"))
      if (image.alt !== model.get("alt")) image.alt = model.get("alt");
    for (const [kind, around, words, otherwise] of NAMELESS)
      for (const element of panel.querySelectorAll(kind)) {
        const text = element.closest(around)?.querySelector(words)?.textContent;
        element.setAttribute("aria-label", text?.trim() || otherwise);
      }
  };
  // a button that is disabled while the model listens loses the focus for good
  const refocus = () => {
    if (focused?.disabled) lost = focused;
    if (!lost || lost.disabled) return;
    if (document.activeElement === document.body) lost.focus({ preventScroll: true });
    lost = null;
  };
  // the panel is put on the page, and filled, after this; and some grow later
  const changed = new MutationObserver(() => {
    name();
    refocus();
  });
  let frame = 0;
  const begin = () => {
    panel = el.closest(".widget-vbox");
    if (!panel) {
      frame = requestAnimationFrame(begin);
      return;
    }
    const attributes = { attributeFilter: ["disabled"] };
    changed.observe(panel, { childList: true, subtree: true, ...attributes });
    name();
  };
  begin();
  const renamed = () => panel && name();
  model.on("change:alt", renamed);
  return () => {
    document.removeEventListener("focusin", mark);
    cancelAnimationFrame(frame);
    changed.disconnect();
    model.off("change:alt", renamed);
  };
}

export default { render };
