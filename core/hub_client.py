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
            "{name} is gated: accept its terms on its page on the hub, then store a token of that account with "
            "`tunesmith secrets set huggingface`, or start Tunesmith with HF_TOKEN set to it.",
            name=name,
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        raise _missing(error, what, name, file=file, revision=revision) from error
    except HFValidationError as error:
        raise BadInput(
            "“{name}” is not the name of a {what}; write it like owner/name.", name=name, what=what
        ) from error
    except HfHubHTTPError as error:
        raise _answered(error, api) from error
    except Exception as error:  # a process's edge; which HTTP library fails below is the client's affair
        raise BadInput(
            "The hub at {endpoint} cannot be reached ({error}). Check the connection, or choose a mirror with "
            "HF_ENDPOINT.",
            endpoint=api.endpoint,
            error=first_line(error),
        ) from error


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:200]


def _missing(error: Exception, what: str, name: str, *, file: str, revision: str) -> NotFound:
    if isinstance(error, LocalEntryNotFoundError):
        return NotFound(
            "{name} could not be fetched ({error}). Check the connection and try again.",
            name=name,
            error=first_line(error),
        )
    if isinstance(error, EntryNotFoundError):
        return NotFound("{name} has no file {file}. Choose one from the list.", name=name, file=file)
    if isinstance(error, RevisionNotFoundError):
        return NotFound("{name} has no revision {revision}. Leave it out for the newest.", name=name, revision=revision)
    return NotFound(
        "There is no {what} {name} on the hub, or it is private. For a private one, store a token with "
        "`tunesmith secrets set huggingface`, or set HF_TOKEN before the start.",
        what=what,
        name=name,
    )


def _answered(error: HfHubHTTPError, api: HfApi) -> BadInput:
    status = error.response.status_code if error.response is not None else 0
    if status in (401, 403):
        return BadInput(
            "The hub refuses this ({status}). Check that HF_TOKEN, or the stored secret huggingface, is a valid "
            "token with read access.",
            status=status,
        )
    if status == 429:
        return BadInput("The hub asks for a pause (too many requests). Try again in a few minutes.")
    return BadInput("The hub at {endpoint} answered {status}. Try again later.", endpoint=api.endpoint, status=status)
