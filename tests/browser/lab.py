"""A Jupyter server of our own, and a page with a notebook in it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HOST = "127.0.0.1"
MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
PATIENCE_S = 300  # an idle machine opens a notebook in seconds, a busy one does not
SETTINGS = {
    # long notebooks are drawn whole, so that every control is on the page
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}

# each cell as JupyterLab's model of the notebook knows it
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets.map((cell, i) => {
  const code = cell.model.type === 'code' && cell.model.sharedModel.source.trim();
  const tags = cell.model.getMetadata('tags') || [];
  const outputs = code ? cell.model.outputs.toJSON() : [];
  return { i, run: !code || cell.model.executionCount > 0,
    errors: tags.includes('raises-exception') ? [] : outputs
      .filter(o => o.output_type === 'error').map(o => `${o.ename}: ${o.evalue}`) };
})"""
WIDGET = "application/vnd.jupyter.widget-view+json"
# a widget of ours that stands alone in an output has not the class of ipywidgets
SHOWN = ".jupyter-widgets, .af-listen"
# widgets that the model holds and the page does not show yet
UNDRAWN = f"""kind => jupyterapp.shell.currentWidget.content.widgets.filter(cell =>
  cell.model.type === 'code' &&
  cell.model.outputs.toJSON().some(o => o.data && kind in o.data) &&
  !cell.node.querySelector('{SHOWN}')).length"""
STATUS = """() => window.jupyterapp?.shell?.currentWidget
  ?.sessionContext?.session?.kernel?.status"""
# an exception in a widget's callback is shown nowhere on the page
LISTEN = """() => {
  window.callbackErrors = [];
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  kernel.iopubMessage.connect((_, message) => {
    const { msg_type } = message.header, { name, text } = message.content;
    if (msg_type === 'error') window.callbackErrors.push(message.content.evalue);
    if (name === 'stderr' && text.includes('Traceback'))
      window.callbackErrors.push(text.slice(-400));
  });
}"""


def options_of_make() -> list[str]:
    """What `make lab` tells the server: uploads must fit through in the tests too."""
    found = re.findall(r"^\t.*(--ServerApp\.\w+)='(.*)'$", MAKEFILE.read_text(), re.M)
    return [f"{name}={value}" for name, value in found]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return sock.getsockname()[1]


def settings(home: Path) -> dict[str, str]:
    """Environment with folders of our own: no dialog comes from an old session."""
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    return os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLBACKEND": "",  # the kernel chooses the inline one
    }


@contextlib.contextmanager
def serve(app: str, root: Path, home: Path):
    """Address of a running `jupyterlab` or `notebook` server on the folder `root`.

    It has no token: it listens on this machine only, and ends with the test.
    Raises RuntimeError with the server's log when it does not come up.
    """
    port, name = free_port(), {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
    command = [sys.executable, "-m", app, "--no-browser", "--allow-root"]
    command += [f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
    command += ["--IdentityProvider.token=", "--ServerApp.password="]
    command += [f"--{name[app]}.expose_app_in_browser=True", *options_of_make()]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            command, env=settings(home), stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for(server, f"http://{HOST}:{port}/api", home / "log")
            yield f"http://{HOST}:{port}"
        finally:
            server.send_signal(signal.SIGTERM)  # the kernels go with it
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    """Wait until the server answers; RuntimeError with its log if it does not."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=1)
            return
        time.sleep(0.25)
    raise RuntimeError(f"the Jupyter server did not start:\n{log.read_text()[-2000:]}")


def open_notebook(page, address: str, name: str, app: str = "jupyterlab") -> None:
    """Open a notebook and wait for its kernel."""
    view = "lab/workspaces/browser/tree" if app == "jupyterlab" else "notebooks"
    page.goto(f"{address}/{view}/{name}?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_idle(page)


def wait_idle(page) -> None:
    """Wait until the kernel has nothing to do."""
    page.wait_for_function(f"{STATUS} === 'idle'")


def run_all(page, timeout_s: float) -> list[str]:
    """Run every cell; what went wrong, by cell, nothing when all is well."""
    page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        cells = page.evaluate(CELLS)
        wrong = [f"cell {c['i']}: {e}" for c in cells for e in c["errors"]]
        if wrong or all(cell["run"] for cell in cells):
            return wrong
        page.wait_for_timeout(500)
    waiting = [cell["i"] for cell in cells if not cell["run"]]
    return [f"after {timeout_s} s cells {waiting[:5]} had not run"]


def wait_drawn(page) -> None:
    """Wait until every widget is on the page; from now on errors are of callbacks."""
    page.wait_for_function(f"kind => ({UNDRAWN})(kind) === 0", arg=WIDGET)
    page.evaluate(LISTEN)


def close_notebook(page) -> None:
    """Stop the kernel, so that notebooks do not pile up in memory."""
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
