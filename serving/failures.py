"""What a worker cannot do, as sentences; `param` names the field of the request, as OpenAI's errors do."""


class ServingError(Exception):
    """`code` and `status` go into OpenAI's error envelope."""

    status = 500
    code = "server_error"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BadRequest(ServingError):
    status = 400
    code = "unsupported_value"


class TooLarge(ServingError):
    """More bytes than a request may have."""

    status = 413
    code = "request_too_large"


class TooLong(ServingError):
    status = 400
    code = "context_length_exceeded"


class NoSuchModel(ServingError):
    status = 404
    code = "model_not_found"


class Busy(ServingError):
    """As many wait as may."""

    status = 503
    code = "engine_overloaded"


class CannotHold(ServingError):
    """An engine that has no place for this kind of adapter or model."""

    status = 409
    code = "cannot_hold"
