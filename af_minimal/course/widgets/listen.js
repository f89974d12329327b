// A player, a picture with a time axis, and a cursor that follows the sound.

const make = (kind, className, parent) => {
  const element = document.createElement(kind);
  element.className = className;
  parent.appendChild(element);
  return element;
};

// "1.25 s, heard by windows 0 to 2"
const whoHears = (model, now) => {
  // the very end still belongs to the windows that end there
  const at = Math.min(now, model.get("duration_s") - 1e-3);
  const heard = model
    .get("windows")
    .filter((w) => w.real_share > 0 && w.start_s <= at && at < w.end_s)
    .map((w) => w.number);
  if (heard.length === 0) return "heard by no window";
  const [first, last] = [heard[0], heard[heard.length - 1]];
  if (first === last) return `heard by window ${first}`;
  return `heard by windows ${first} to ${last}`;
};

function render({ model, el }) {
  const box = make("div", "af-listen", el);
  const picture = make("div", "af-listen-picture", box);
  // Jupyter would take the arrows and the space bar as its own shortcuts
  picture.dataset.lmSuppressShortcuts = "true";
  picture.tabIndex = 0;
  picture.setAttribute("role", "slider");
  picture.setAttribute("aria-valuemin", "0");
  const image = make("img", "", picture);
  image.alt = "";
  image.draggable = false;
  const cursor = make("div", "af-listen-cursor", picture);
  const audio = make("audio", "", box);
  audio.controls = true;
  audio.dataset.lmSuppressShortcuts = "true";
  audio.preload = "auto";
  const note = make("div", "af-listen-note", box);
  let told = null; // the position that Python has from here
  let frame = 0;

  const draw = () => {
    const at = audio.currentTime;
    const [left, right] = [model.get("left"), model.get("right")];
    const part = left + (right - left) * (at / model.get("span_s"));
    cursor.style.left = `${100 * part}%`;
    const text = `${at.toFixed(2)} s, ${whoHears(model, at)}`;
    note.textContent = text;
    picture.setAttribute("aria-valuenow", at.toFixed(2));
    picture.setAttribute("aria-valuetext", text);
  };
  const follow = () => {
    draw();
    if (!audio.paused) frame = requestAnimationFrame(follow);
  };
  const tell = () => {
    told = audio.currentTime;
    model.set("at_s", told);
    model.set("playing", !audio.paused && !audio.ended);
    model.save_changes();
  };
  const seek = (seconds) => {
    audio.currentTime = Math.min(Math.max(seconds, 0), model.get("duration_s"));
    draw();
    tell();
  };
  const play = () =>
    audio.play().catch((error) => {
      tell();
      if (error.name === "NotAllowedError")
        note.textContent = "The browser waits for a click: press play.";
    });
  const load = () => {
    told = null;
    URL.revokeObjectURL(audio.src);
    const wav = new Blob([model.get("wav")], { type: "audio/wav" });
    audio.src = URL.createObjectURL(wav);
    audio.currentTime = model.get("at_s");
    audio.setAttribute("aria-label", `player: ${model.get("label")}`);
    picture.setAttribute("aria-label", `position in: ${model.get("label")}`);
    picture.setAttribute("aria-valuemax", model.get("duration_s").toFixed(2));
    draw();
  };
  const show = () => {
    URL.revokeObjectURL(image.src);
    const png = new Blob([model.get("picture")], { type: "image/png" });
    image.src = URL.createObjectURL(png);
    draw();
  };

  audio.addEventListener("play", () => {
    follow();
    tell();
  });
  for (const name of ["timeupdate", "pause", "ended"])
    audio.addEventListener(name, () => {
      draw();
      tell();
    });
  const pointed = (event) => {
    const place = picture.getBoundingClientRect();
    const part = (event.clientX - place.left) / place.width;
    const [left, right] = [model.get("left"), model.get("right")];
    seek(((part - left) / (right - left)) * model.get("span_s"));
  };
  picture.addEventListener("pointerdown", (event) => {
    if (event.button) return; // the second button opens a menu
    picture.setPointerCapture(event.pointerId);
    pointed(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) pointed(event);
  });
  const back = () => seek(audio.currentTime - model.get("hop_s"));
  const on = () => seek(audio.currentTime + model.get("hop_s"));
  const keys = {
    " ": () => (audio.paused ? play() : audio.pause()),
    ArrowLeft: back,
    ArrowDown: back, // as of every slider
    ArrowRight: on,
    ArrowUp: on,
    Home: () => seek(0),
    End: () => seek(model.get("duration_s")),
  };
  picture.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!plain || !(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });

  const moved = () => {
    const at = model.get("at_s");
    if (at === told || Math.abs(at - audio.currentTime) < 0.01) return;
    audio.currentTime = at;
    draw();
  };
  const switched = () => {
    if (model.get("playing") && audio.paused) play();
    if (!model.get("playing") && !audio.paused) audio.pause();
  };
  const changes = {
    "change:wav": load,
    "change:picture": show,
    "change:at_s": moved,
    "change:playing": switched,
  };
  for (const [name, react] of Object.entries(changes)) model.on(name, react);
  load();
  show();

  return () => {
    cancelAnimationFrame(frame);
    audio.pause();
    for (const [name, react] of Object.entries(changes)) model.off(name, react);
    URL.revokeObjectURL(audio.src);
    URL.revokeObjectURL(image.src);
  };
}

export default { render };
