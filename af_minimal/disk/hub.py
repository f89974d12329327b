"""Files of the Hugging Face hub: what is here already, and a download when asked for.

Taught in: notebooks/12_real_weights.ipynb
"""

from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)


def hub_folder(repo: str, files: list[str], download: bool = False) -> Path:
    """The folder with those files of a repository of the hub.

    Args:
        repo: as "owner/name".
        files: patterns such as "*.json"; nothing else is fetched.
        download: False looks in the cache only and asks no network.

    Raises:
        FileNotFoundError: when nothing is in the cache, and no download was asked for
            or the hub could not be reached or has no such repository.
        PermissionError: when the hub wants a licence accepted first.
        ConnectionError: when HF_HUB_OFFLINE=1 forbids the download that was asked for,
            or the download broke off.

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
    except GatedRepoError as error:
        raise PermissionError(
            f"The hub gives {repo} to those alone who accepted its terms: do so on "
            f"{constants.ENDPOINT}/{repo}, then run `hf auth login` and ask again."
        ) from error
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"The hub at {constants.ENDPOINT} shows no {repo}. It may have moved, or "
            "want `hf auth login` first; or give a folder that has its files."
        ) from error
    except LocalEntryNotFoundError as error:
        advice = "With download=True it is fetched from the Hugging Face hub"
        if download:
            advice = "The hub could not be reached: look at the connection"
        raise FileNotFoundError(
            f"{repo} is not on this machine, and nothing was downloaded. {advice}; or "
            "give a folder that has its files."
        ) from error
    except Exception as error:  # of whichever HTTP client the library brings
        local = isinstance(error, OSError) and not isinstance(error, HfHubHTTPError)
        if local or not download:
            raise  # a full disk is told as it is
        raise ConnectionError(
            f"The download of {repo} broke off: {error}. Whole files are kept; ask "
            "again and it goes on."
        ) from error
    return Path(found)
