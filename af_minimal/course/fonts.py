"""The style of all figures, with fonts for scripts that the usual font does not have.

A reader may give a sound a name in any script.
"""

from matplotlib import font_manager, rcParams

from .viz import HEAT

USUAL = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic
# of Linux, macOS and Windows; matplotlib takes a letter from the first that has it
OTHERS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
    "IPAexGothic",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Hiragino Sans GB",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Sans Thai",
    "Garuda",
    "Thonburi",
    "Leelawadee UI",
    "Noto Sans Devanagari",
    "Lohit Devanagari",
    "Kohinoor Devanagari",
    "Nirmala UI",
)


def families() -> list[str]:
    """The usual font, then those for other scripts that are installed here.

    A family that is not installed would be a warning for every text of every figure.
    """
    installed = set(font_manager.get_font_names())
    return [USUAL, *(name for name in OTHERS if name in installed)]


def set_style() -> None:
    """Fonts and spines of all figures; `notebook_setup` calls it."""
    rcParams.update(
        {
            "font.family": families(),
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "image.cmap": HEAT,
        }
    )
