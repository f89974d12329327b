"""One thread, no network, no screen; and the folders of reference data, if present."""

import os
import sys

os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    MPLBACKEND="agg",
)

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[1]


def folder_or_skip(path: Path, what: str) -> Path:
    """The folder, or a skip that says what is missing and what would be tested."""
    if not path.is_dir():
        pytest.skip(f"{what} not found beside the repository; this test compares to it")
    return path


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Reference tensors that the official code computed."""
    return folder_or_skip(ROOT.parent / "shared" / "golden", "official tensors")


@pytest.fixture(scope="session")
def esc10_dir() -> Path:
    """Real recordings: ESC-10, 400 clips of 10 classes."""
    return folder_or_skip(ROOT.parent / "shared" / "data" / "esc10", "ESC-10")


@pytest.fixture(scope="session")
def student():
    """A random tiny model with an encoder, and a tokenizer that fits SoundWorld."""
    import tiny_flamingo  # after the settings above

    return tiny_flamingo.student()


@pytest.fixture(scope="session")
def two_processes() -> list[str]:
    """What starts the package's command line twice, as one run."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += ["--num_processes", "2", "--main_process_port", "0"]
    return [*launch, "-m", "af_minimal"]


@pytest.fixture(scope="session")
def scenes() -> list:
    """400 scenes without recordings."""
    from af_minimal.soundworld.corpus import sample_scene

    return [sample_scene(seed, {}) for seed in range(400)]


@pytest.fixture(scope="session")
def embeddings(scenes):
    """A random direction for each of the scenes, (400, 8)."""
    rows = torch.randn(len(scenes), 8, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(rows, dim=1).numpy()


def pictured(widget):
    """What a page shows in place of a widget: (pixels, alt text)."""
    import base64
    import io

    import numpy as np
    from PIL import Image

    data, metadata = widget._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    png = base64.b64decode(data["image/png"])
    return np.asarray(Image.open(io.BytesIO(png))), metadata["image/png"]["alt"]


@pytest.fixture
def shown(monkeypatch):
    """What is drawn for readers who see the page only: (pixels, alt text)."""
    import io

    import numpy as np
    from PIL import Image

    from af_minimal.course import viz

    found = []

    def keep(figure, alt):
        found.append((np.asarray(Image.open(io.BytesIO(viz.png(figure)))), alt))

    monkeypatch.setattr(viz, "show", keep)
    return found
