"""Files of the Hugging Face hub: what is here already, and a download when asked for.

Taught in: notebooks/12_real_weights.ipynb
"""

from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError


def hub_folder(repo: str, files: list[str], download: bool = False) -> Path:
    """The folder with those files of a repository of the hub.

    Args:
        repo: as "owner/name".
        files: patterns such as "*.json"; nothing else is fetched.
        download: False looks in the cache only and asks no network.

    Raises:
        FileNotFoundError: when nothing is in the cache, and no download was asked for
            or the hub could not be reached.
        ConnectionError: when HF_HUB_OFFLINE=1 forbids the download that was asked for.

    Taught in: notebooks/12_real_weights.ipynb
    """
    if download and constants.is_offline_mode():
        raise ConnectionError(
            f"download=True would fetch {repo}, but HF_HUB_OFFLINE=1 forbids it. Unset "
            "it, or give a folder that has the files."
        )
    try:
        found = huggingface_hub.snapshot_download(
            repo, allow_patterns=files, local_files_only=not download
        )
    except LocalEntryNotFoundError as error:
        advice = "With download=True it is fetched from the Hugging Face hub"
        if download:
            advice = "The hub could not be reached: look at the connection"
        raise FileNotFoundError(
            f"{repo} is not on this machine, and nothing was downloaded. {advice}; or "
            "give a folder that has its files."
        ) from error
    return Path(found)
