// A button that records the microphone and sends float32 samples to Python.

const RATE = 16000; // Hz, what the models of the course hear

const INSTEAD = "Or upload a sound file instead.";
const REASONS = {
  NotAllowedError:
    "The browser does not let this page use the microphone. Allow it at the left of " +
    `the address bar and press Record again. ${INSTEAD}`,
  NotFoundError: `No microphone was found. Plug one in and press Record again. ${INSTEAD}`,
  NotReadableError:
    "The microphone cannot be read; another program may be using it. Close that " +
    `program and press Record again. ${INSTEAD}`,
};
const UNSAFE =
  "This page may not use a microphone. Browsers allow it at http://localhost and at " +
  `https addresses only: open the notebook at one of these. ${INSTEAD}`;

const make = (kind, className, parent) => {
  const element = document.createElement(kind);
  element.className = className;
  parent.appendChild(element);
  return element;
};

// the blob of the recorder -> one row of samples at RATE
const decode = async (blob) => {
  const context = new OfflineAudioContext(1, 1, RATE);
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const samples = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c++) {
    const channel = sound.getChannelData(c);
    for (let i = 0; i < samples.length; i++)
      samples[i] += channel[i] / sound.numberOfChannels;
  }
  return samples;
};

// calls `heard` with a level from 0 to 1 until the function it returns is called
const measure = (stream, heard) => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    heard(Math.min(1, Math.max(...samples.map(Math.abs))));
  }, 50);
  return () => {
    clearInterval(timer);
    context.close();
  };
};

function render({ model, el }) {
  const box = make("div", "af-microphone", el);
  const button = make("button", "jupyter-button widget-button", box);
  // Jupyter would take the space bar as its own shortcut
  button.dataset.lmSuppressShortcuts = "true";
  button.type = "button";
  const meter = make("meter", "af-microphone-level", box);
  meter.min = 0;
  meter.max = 1;
  meter.setAttribute("aria-label", "level of the microphone");
  const left = make("span", "af-microphone-left", box);
  const said = make("div", "af-microphone-said", box);
  said.setAttribute("role", "status");
  let recorder = null; // while it records
  let asking = false; // while the browser asks for permission

  const tell = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const idle = () => {
    recorder = null;
    meter.value = 0;
    meter.hidden = left.hidden = true;
    button.textContent = "Record";
    button.classList.remove("mod-danger");
    button.setAttribute(
      "aria-label",
      `Record the microphone for at most ${model.get("seconds")} seconds`,
    );
  };
  const explain = () => {
    said.textContent = model.get("error");
  };
  const failed = (error) => {
    const other = `Recording failed (${error.name}: ${error.message}). ${INSTEAD}`;
    tell({ error: REASONS[error.name] ?? other, recording: false });
    idle();
  };
  const keep = async (chunks) => {
    try {
      const samples = (await decode(new Blob(chunks))).slice(
        0,
        model.get("seconds") * RATE,
      );
      const content = new DataView(samples.buffer);
      tell({ error: "", recording: false, rate: RATE, content });
      idle();
    } catch (error) {
      failed(error);
    }
  };
  const record = (stream) => {
    const chunks = [];
    recorder = new MediaRecorder(stream);
    const current = recorder;
    recorder.ondataavailable = (event) => chunks.push(event.data);
    recorder.start(); // first: where it throws, nothing is left to be stopped
    const ends = performance.now() + 1000 * model.get("seconds");
    const silence = measure(stream, (level) => {
      const rest = Math.max(0, (ends - performance.now()) / 1000);
      meter.value = level;
      left.textContent = `${rest.toFixed(1)} s left`;
      if (rest === 0 && current.state === "recording") current.stop();
    });
    recorder.onstop = () => {
      silence();
      for (const track of stream.getTracks()) track.stop();
      keep(chunks);
    };
    button.textContent = "Stop";
    button.classList.add("mod-danger");
    button.setAttribute("aria-label", "Stop recording");
    meter.hidden = left.hidden = false;
    tell({ error: "", recording: true });
  };
  const start = async () => {
    if (!navigator.mediaDevices?.getUserMedia) {
      tell({ error: UNSAFE });
      return;
    }
    let stream = null;
    asking = true;
    said.textContent = "Allow the microphone, if the browser asks.";
    try {
      // the sound as it is: what cleans up speech removes rain and engines
      const audio = {
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
      };
      stream = await navigator.mediaDevices.getUserMedia({ audio });
      said.textContent = "";
      record(stream);
    } catch (error) {
      // it was opened, and nothing records it: it must not stay on
      for (const track of stream?.getTracks() ?? []) track.stop();
      failed(error);
      explain();
    }
    asking = false;
  };
  button.addEventListener("click", () => {
    if (asking) return;
    if (recorder?.state === "recording") recorder.stop();
    else start();
  });
  model.on("change:error", explain);
  model.on("change:seconds", idle);
  idle();
  explain();

  return () => {
    model.off("change:error", explain);
    model.off("change:seconds", idle);
    if (recorder?.state === "recording") recorder.stop();
  };
}

export default { render };
