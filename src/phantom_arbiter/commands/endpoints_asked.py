"""What the commands that ask RPC nodes directly share: which ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.sources.endpoints import Endpoint

UrlOption = Annotated[
    list[str] | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Ask this RPC node instead of the settings' endpoints; may be repeated. ${NAME} in it is an "
        "environment variable: a key belongs there, not on a command line.",
    ),
]


def asked_endpoints(
    settings: Config, urls: list[str], hint: str = "name one with --url, or add [[endpoints]]"
) -> list[Endpoint]:
    """Return what `--url` names, or else the endpoints of the settings that speak HTTP.

    Raises:
        ConfigError: A URL is none, or there is nobody to ask; `hint` is what cures that.
    """
    from phantom_arbiter.config import endpoint
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl, with_environment

    if not urls:
        found = [endpoint(each) for each in settings.endpoints if each.http_url is not None]
        if not found:
            raise ConfigError("there is no endpoint to ask", hint=hint)
        return found
    try:
        return [
            Endpoint(name=f"url-{number}", http_url=SecretUrl(with_environment(text)))
            for number, text in enumerate(urls, start=1)
        ]
    except ConfigError as error:
        raise ConfigError(f"--url: {error}") from None


__all__ = ["UrlOption", "asked_endpoints"]
