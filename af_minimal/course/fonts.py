"""Fonts for names that a reader writes in a script the usual font does not have."""

from matplotlib import font_manager

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
