"""Why the Hub could not deliver: one sentence that names the true cause and what to do.

Most causes are settings of the machine (a proxy, a certificate, an address, a folder, a token), and
the client reports them as whatever the library below it raised. Here each is called by its name.
"""

from __future__ import annotations

import errno
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from huggingface_hub import constants, errors, get_session

from zoo.errors import HubError

_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME")
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_FOLDER = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ENOENT)
_HICCUPS = (408, 429, 500, 502, 503, 504)


def is_hiccup(error: BaseException) -> bool:
    """Whether the Hub may well answer a moment later."""
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__:
        error = error.__cause__
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None) in _HICCUPS or "Consistency check" in str(error)


def is_silence(error: BaseException) -> bool:
    """Whether nobody answered, so that asking again at once would cost the same time again."""
    kinds = (httpx2.TimeoutException, httpx2.ConnectError)
    return any(isinstance(each, kinds) for each in (error, error.__cause__))


def offline() -> None:
    """Raise what the client raises offline, also if the setting came after its import."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise errors.OfflineModeIsEnabled


def check_settings() -> None:
    """Raise `HubError` if a setting makes any request impossible."""
    address = constants.ENDPOINT
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise HubError(
            f"HF_ENDPOINT is {address!r}, which is no address of a Hub (such as "
            "https://huggingface.co); correct or unset it."
        )
    try:
        get_session()
    except Exception as error:
        raise HubError(_explain_session(error)) from None


def _explain_session(error: Exception) -> str:
    """Say which setting keeps the HTTP client from starting: each is tried alone."""
    for name in _CERTIFICATES:
        if value := os.environ.get(name):
            where = {"cafile" if name.endswith("FILE") else "capath": value}
            try:
                ssl.create_default_context(**where)  # type: ignore[arg-type]
            except (OSError, ValueError) as problem:
                what = (
                    "there is no such file" if isinstance(problem, FileNotFoundError) else problem
                )
                return f"{name} is {value!r}, which cannot be used ({what}); correct or unset it."
    for name in _set(_PROXIES):
        try:
            if "no_proxy" not in name.lower():
                httpx2.Client(proxy=os.environ[name], trust_env=False).close()
        except ImportError:
            return f"The proxy in {name} speaks SOCKS: pip install socksio, or unset it."
        except Exception as problem:
            return (
                f"The proxy in {name} cannot be used ({_first_line(problem)}); correct or unset it."
            )
    names = ", ".join(_set((*_PROXIES, *_CERTIFICATES))) or "the system's proxy"
    return f"The connection's settings cannot be used ({_first_line(error)}); check {names}."


def explain(error: BaseException, repo: str, revision: str, asked: str) -> str:
    """Say in one sentence what went wrong and what to do about it.

    Args:
        error: What the client raised.
        repo: ``owner/name``.
        revision: What was asked for.
        asked: The file that was asked for.
    """
    if isinstance(error, errors.LocalEntryNotFoundError | ValueError) and error.__cause__:
        error = error.__cause__  # the client wraps the reason into "check your connection"
    if isinstance(error, errors.GatedRepoError):
        return (
            f"The repo {repo} is gated: ask for access on its page, then log in with "
            "`hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"The repo {repo} has no revision {revision!r}; check the revision (ZOO_REVISION)."
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return f"The repo {repo} has no {asked} in revision {revision}."
    if isinstance(error, errors.HfHubHTTPError):
        return _explain_status(error, repo)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so nothing can be downloaded."
    if isinstance(error, errors.FileMetadataError):
        return f"{_endpoint()} does not answer as a Hub does; check {_names(_route())}."
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return _explain_connection(error)
    if isinstance(error, UnicodeError):
        return f"The token in {_token()} holds characters that no token has; copy it once more."
    if isinstance(error, OSError):
        return _explain_os(error)
    return f"The download failed ({type(error).__name__}: {_first_line(error)})."


def _explain_status(error: errors.HfHubHTTPError, repo: str) -> str:
    status = error.response.status_code
    if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        at = f" at {_endpoint()} (HF_ENDPOINT)" if os.environ.get("HF_ENDPOINT") else ""
        return (
            f"There is no repo {repo} on the Hub{at}, or it is private and no token gives access."
        )
    if status == 401:
        return (
            "The Hub refused the token; renew it with `hf auth login` or HF_TOKEN, or remove it "
            "(a public repo needs none)."
        )
    if status == 403:
        return f"This account may not read {repo}."
    if status == 407:
        return f"The proxy wants a name and a password; check {_names(_route())}."
    if status == 429:
        return "The Hub asks for fewer requests (HTTP 429); try again in some minutes."
    return f"The Hub is failing (HTTP {status}); try again later."


def _explain_connection(error: Exception) -> str:
    """Explain an error of the HTTP library: the proxy, the certificate, the network."""
    text = str(error)
    if isinstance(error, httpx2.TimeoutException):
        return "The Hub did not answer in time; try again later."
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return f"{_endpoint()} is no address that can be opened; check HF_ENDPOINT."
    if isinstance(error, httpx2.LocalProtocolError) and "header" in text.lower():
        return f"The token in {_token()} holds characters that no token has; copy it once more."
    if "CERTIFICATE" in text.upper():
        found = _names(_set(_CERTIFICATES)) if _set(_CERTIFICATES) else "SSL_CERT_FILE"
        return (
            f"The certificate of {_endpoint()} is not trusted ({_first_line(error)}); point "
            f"{found} to the certificates of your network, and check the clock."
        )
    if isinstance(error, httpx2.ProxyError | httpx2.ConnectError):
        proxy = _proxy()
        if proxy:
            return (
                f"There is no connection to {_endpoint()} through the proxy in {proxy} "
                f"({_first_line(error)}); correct or unset it."
            )
        setting = " or HF_ENDPOINT" if os.environ.get("HF_ENDPOINT") else ""
        return f"There is no connection to {_endpoint()}; check the network{setting}."
    return "The connection broke off before the whole file had arrived; try again."


def _explain_os(error: OSError) -> str:
    cache = constants.HF_HUB_CACHE
    setting = next(iter(_set(_CACHES)), "HF_HOME")
    if error.errno in _FULL:
        return f"The disk of the cache {cache} is full; free space, or set {setting} elsewhere."
    if error.errno in _NO_FOLDER:
        reason = (error.strerror or "").lower()
        return (
            f"The cache {cache} cannot be written ({reason}); set {setting} to a folder of this "
            "user."
        )
    if "Consistency check failed" in str(error):
        return "The file that arrived has not the size that the Hub announced; try again."
    return f"The download failed ({error.strerror or _first_line(error)}); try again."


def _set(names: tuple[str, ...]) -> list[str]:
    """Return those names that are set in the environment, as they are written there."""
    return [form for name in names for form in (name, name.lower()) if os.environ.get(form)]


def _proxy() -> str:
    """Return what names the proxy of the Hub's address, "" if there is none."""
    parts = urlsplit(constants.ENDPOINT)
    scheme = next((key for key in (parts.scheme, "all") if getproxies().get(key)), "")
    if not scheme or proxy_bypass(parts.hostname or ""):
        return ""
    return next(iter(_set((f"{scheme.upper()}_PROXY",))), "the system's settings")


def _route() -> list[str]:
    """Return the settings that decide where a request ends up."""
    return [*(_set(("HF_ENDPOINT",))), *filter(None, [_proxy()])] or ["the network"]


def _token() -> str:
    return next(iter(_set(_TOKENS)), str(Path(constants.HF_TOKEN_PATH)))


def _endpoint() -> str:
    return str(constants.ENDPOINT)


def _names(names: list[str]) -> str:
    return " and ".join(names)


def _first_line(error: Any) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200].rstrip(".")
