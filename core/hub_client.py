"""What the children that speak with the hub share: Hugging Face's own client, and its errors as sentences."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from core.errors import BadInput, NotFound, StudioError


@contextmanager
def speaking(what: str, name: str, *, file: str = "", revision: str = "") -> Iterator[HfApi]:
    """`what` is “dataset” or “model”; the rest is what its repository is asked for. Raises StudioError."""
    # False, not None: a token that some other program left in the home folder is none of ours.
    api = HfApi(token=os.environ.get("HF_TOKEN") or False)
    try:
        yield api
    except StudioError:
        raise
    except GatedRepoError as error:
        raise NotFound(
            f"{name} is gated: accept its terms on its page on the hub, then store a token of that account with "
            "`tunesmith secrets set huggingface`, or start Tunesmith with HF_TOKEN set to it."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        raise _missing(error, what, name, file=file, revision=revision) from error
    except HFValidationError as error:
        raise BadInput(f"“{name}” is not the name of a {what}; write it like owner/name.") from error
    except HfHubHTTPError as error:
        raise _answered(error, api) from error
    except Exception as error:  # a process's edge; which HTTP library fails below is the client's affair
        raise BadInput(
            f"The hub at {api.endpoint} cannot be reached ({first_line(error)}). Check the connection, or choose a "
            "mirror with HF_ENDPOINT."
        ) from error


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:200]


def _missing(error: Exception, what: str, name: str, *, file: str, revision: str) -> NotFound:
    if isinstance(error, LocalEntryNotFoundError):
        return NotFound(f"{name} could not be fetched ({first_line(error)}). Check the connection and try again.")
    if isinstance(error, EntryNotFoundError):
        return NotFound(f"{name} has no file {file}. Choose one from the list.")
    if isinstance(error, RevisionNotFoundError):
        return NotFound(f"{name} has no revision {revision}. Leave it out for the newest.")
    return NotFound(
        f"There is no {what} {name} on the hub, or it is private. For a private one, store a token with "
        "`tunesmith secrets set huggingface`, or set HF_TOKEN before the start."
    )


def _answered(error: HfHubHTTPError, api: HfApi) -> BadInput:
    status = error.response.status_code if error.response is not None else 0
    if status in (401, 403):
        return BadInput(
            f"The hub refuses this ({status}). Check that HF_TOKEN, or the stored secret huggingface, is a valid token "
            "with read access."
        )
    if status == 429:
        return BadInput("The hub asks for a pause (too many requests). Try again in a few minutes.")
    return BadInput(f"The hub at {api.endpoint} answered {status}. Try again later.")
