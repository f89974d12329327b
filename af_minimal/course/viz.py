"""Every figure of the course: one size, one palette, units on every axis.

Each function shows its figure; pass `ax=` to draw into axes of your own instead.
"""

import html
import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ..audio import Clip, log_mel, num_windows
from ..config import AudioConfig, EncoderConfig
from .picture import AUDIO, GATE, TEXT, TEXT_INK
from .picture import architecture as draw_architecture
from .waves import loudest_frames, outline

SIZE = (8.0, 3.2)  # inches
DPI = 100
QUIET = "#B8B8B8"  # what is padded, hidden or only there to compare with
HEAT = "cividis"
LOUDEST = -20.0  # dB: at least so much is the brightest, so that silence is dark


def new_figure(rows: int = 1, height: float = 1.0) -> Figure:
    """An empty figure of the course's width, outside pyplot's global state."""
    figure = Figure(figsize=(SIZE[0], SIZE[1] * height), dpi=DPI, layout="constrained")
    figure.subplots(rows, 1, sharex=rows > 1)
    return figure


def height_for(rows: int) -> float:
    """Height, in figures, at which so many rows of text can be read."""
    return max(1.0, min(2.5, 0.075 * rows))


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes, for an image widget or a file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Show a figure in the notebook, with words for those who cannot see it."""
    from IPython.display import Image, display

    display(Image(data=png(figure), format="png", alt=alt))


def to_numpy(values) -> np.ndarray:
    """A tensor, list or array as a numpy array on the CPU."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().float().numpy()
    return np.asarray(values)


def mel(clip: Clip, config: EncoderConfig | None = None, ax: Axes | None = None):
    """Log-mel picture of a clip: seconds across, mel bins up, decibels as colour."""
    config = config or EncoderConfig()
    frames = log_mel(torch.from_numpy(clip.waveform), config, clip.sample_rate)
    picture = loudest_frames(frames.numpy())  # (F, M)
    figure, axes = _figure_and_axes(ax)
    place = {"origin": "lower", "aspect": "auto"}
    place["extent"] = (0, clip.duration_s, 0, config.n_mels)
    top = max(float(picture.max()), LOUDEST)
    image = axes.imshow(picture.T, vmin=top - 80, vmax=top, cmap=HEAT, **place)
    axes.figure.colorbar(image, ax=axes, label="level (dB)", pad=0.01)
    axes.set(xlabel="time (s)", ylabel="mel bin")
    _show_own(figure, f"Log-mel picture of {clip.duration_s:.1f} s of sound")


def clip_card(clip: Clip, title: str = "", config: EncoderConfig | None = None):
    """Waveform above log-mel picture on one time axis in seconds."""
    figure = new_figure(rows=2, height=1.2)
    wave, below = figure.axes
    wave.plot(*outline(clip), color=AUDIO, linewidth=0.5)
    wave.set(ylabel="amplitude", ylim=(-1, 1), title=title)
    mel(clip, config, ax=below)
    show(figure, f"Waveform and log-mel picture, {clip.duration_s:.1f} s. {title}")


def window_strip(clip: Clip, config: AudioConfig, ax: Axes | None = None):
    """Where the windows lie on the waveform; padding is grey, each window a bar."""
    figure, axes = _figure_and_axes(ax)
    samples = round(clip.duration_s * config.sample_rate)
    real = num_windows(samples, config)
    starts = np.arange(config.max_windows) * config.hop / config.sample_rate
    for i, start in enumerate(starts):
        colour = AUDIO if i < real else QUIET
        axes.barh(i, config.window_s, left=start, height=0.7, color=colour, alpha=0.75)
    times, wave = outline(clip)
    # upside down, for the y axis points down
    axes.plot(times, -1.5 * wave - 2.5, color="black", linewidth=0.4)
    axes.axvline(clip.duration_s, color="black", linestyle=":", linewidth=1)
    axes.set(xlabel="time (s)", ylabel="window", ylim=(config.max_windows, -4.5))
    numbers = range(0, config.max_windows, 5)
    axes.set_yticks([-2.5, *numbers], ["waveform", *numbers])
    axes.set_title(f"{real} windows hear the clip, {len(starts) - real} are empty")
    _show_own(figure, f"{real} real windows of {config.max_windows} on the time axis")


def mask_grid(
    mask, tokens, windows_per_audio=None, ax=None, sides=("text token", "window")
):
    """Which text token (row) may hear which window (column): blue may, grey may not."""
    mask = to_numpy(mask).astype(bool)  # (T, L)
    _check_grid(mask, tokens, "mask")
    figure, axes = _figure_and_axes(ax, rows=len(tokens))
    colours = np.where(mask[..., None], to_rgb(AUDIO), to_rgb("#E6E6E6"))  # (T, L, 3)
    axes.imshow(colours, aspect="auto")
    axes.set_xticks(np.arange(mask.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(mask.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="minor", length=0)
    for edge in range(windows_per_audio or 0, mask.shape[1], windows_per_audio or 1):
        axes.axvline(edge - 0.5, color="black", linewidth=1.5)
    _token_rows(axes, tokens)
    axes.set(xlabel=sides[1], ylabel=sides[0])
    _show_own(figure, f"Grid: {len(mask)} x {sides[0]}, {mask.shape[1]} x {sides[1]}")


def attention_map(
    weights, tokens: Sequence[str], window_times: Sequence[float], title="", ax=None
):
    """Attention of every text token (row) over windows (columns, start in seconds).

    Raises ValueError unless weights (T, L) fit T tokens and L `window_times`.
    """
    weights = to_numpy(weights)  # (T, L)
    _check_grid(weights, tokens, "weights")
    if weights.shape[1] != len(window_times):
        raise ValueError(
            f"weights has {weights.shape[1]} columns and there are "
            f"{len(window_times)} window_times: pass the start of every window, (L,)."
        )
    figure, axes = _figure_and_axes(ax, rows=len(tokens))
    image = axes.imshow(weights, aspect="auto", vmin=0, cmap=HEAT)
    axes.figure.colorbar(image, ax=axes, label="attention weight", pad=0.01)
    every = max(1, len(window_times) // 12)
    ticks = range(0, len(window_times), every)
    axes.set_xticks(ticks, [f"{window_times[i]:g}" for i in ticks])
    _token_rows(axes, tokens)
    axes.set(xlabel="start of the window (s)", ylabel="text token", title=title)
    _show_own(figure, f"Attention of {len(tokens)} tokens over windows. {title}")


def gate_curve(attn, ff=None, x=None, xlabel: str = "language-model layer", ax=None):
    """How far the gates are open: tanh(gate), 0 is closed, per layer or per step."""
    figure, axes = _figure_and_axes(ax)
    attn = to_numpy(attn)
    x = np.arange(len(attn)) if x is None else x
    axes.plot(x, attn, "o-", color=GATE, label="attention")
    if ff is not None:
        axes.plot(x, to_numpy(ff), "s--", color=GATE, alpha=0.6, label="feed-forward")
    axes.axhline(0, color=QUIET, linewidth=1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel=xlabel, ylabel="tanh(gate)")
    axes.legend()
    _show_own(figure, f"tanh of the gates against {xlabel}")


def loss_curve(
    log, reference: float | None = None, label="training", smooth=1, ax=None
):
    """Loss against step; `log` is a list of losses or of rows with step and loss.

    `smooth` averages so many steps; `reference` draws the loss of a guess.

    Raises ValueError for an empty log.
    """
    if not len(log):
        raise ValueError("The log is empty; train a step or more, then draw its loss.")
    figure, axes = _figure_and_axes(ax)
    rows = isinstance(log[0], dict)
    steps = np.array([row["step"] for row in log] if rows else range(len(log)))
    losses = np.array([row["loss"] for row in log] if rows else to_numpy(log))
    smooth = max(1, min(smooth, len(losses)))
    smoothed = np.convolve(losses, np.ones(smooth) / smooth, "valid")
    # one number is no line: without a mark it would not be seen
    mark = "o" if len(smoothed) == 1 else ""
    axes.plot(steps[smooth - 1 :], smoothed, mark + "-", color=TEXT, label=label)
    if reference is not None:
        axes.axhline(reference, color=QUIET, linestyle="--", label="a guess")
    axes.set(xlabel="step", ylabel="loss (nats)")
    axes.legend()
    _show_own(figure, f"Loss over {len(losses)} steps")


def generation_table(rows: Sequence[dict], right: str | None = None) -> None:
    """Rows of equal keys as a table; `right` names a True/False column to mark."""
    from IPython.display import HTML, display

    def cell(key, value):
        if key == right:
            value = "✓" if value else "✗"
        text = f"{value:.3f}" if isinstance(value, float) else str(value)
        return f"<td style='text-align:left'>{html.escape(text)}</td>"

    head = "".join(
        f"<th style='text-align:left'>{html.escape(k)}</th>" for k in rows[0]
    )
    body = "".join(
        "<tr>" + "".join(cell(k, row[k]) for k in rows[0]) + "</tr>" for row in rows
    )
    display(HTML(f"<table><tr>{head}</tr>{body}</table>"))


def architecture(highlight: str | None = None) -> None:
    """The one picture of the course, with the box you are in lit."""
    figure = Figure(figsize=(SIZE[0], SIZE[1]), dpi=DPI)
    draw_architecture(figure.add_axes((0, 0, 1, 1)), highlight)
    show(figure, f"The parts of Audio Flamingo; you are at: {highlight or 'the whole'}")


def _figure_and_axes(ax: Axes | None, rows: int = 0) -> tuple[Figure | None, Axes]:
    """Own figure, taller for many rows; or none, and the caller's axes."""
    if ax is not None:
        return None, ax
    figure = new_figure(height=height_for(rows))
    return figure, figure.axes[0]


def _show_own(figure: Figure | None, alt: str) -> None:
    if figure is not None:
        show(figure, alt)


def _token_rows(axes: Axes, tokens: Sequence[str]) -> None:
    axes.set_yticks(range(len(tokens)), [t.replace("$", r"\$") for t in tokens])
    axes.tick_params(axis="y", labelsize=8, colors=TEXT_INK)


def _check_grid(grid: np.ndarray, tokens: Sequence[str], name: str) -> None:
    if grid.ndim != 2 or len(grid) != len(tokens):
        raise ValueError(
            f"{name} has shape {grid.shape} and there are {len(tokens)} tokens: pass "
            f"one row per token, (T, L), for example {name}[0] of a batch."
        )
