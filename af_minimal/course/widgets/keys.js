// Jupyter takes arrows, space and letters as its shortcuts, wherever the reader is.
// Inside a widget they belong to the widget. Lumino spares an element that is marked,
// and must find the mark on the element with the focus: its parents come too late.

function render({ el }) {
  el.style.display = "none";
  const mark = ({ target }) => {
    if (el.closest(".jp-OutputArea-output")?.contains(target))
      target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  document.addEventListener("focusin", mark);
  return () => document.removeEventListener("focusin", mark);
}

export default { render };
