"""The headers of every answer. Views choose one of three content security policies; ``guard`` sets all the rest.

Nothing here allows an inline script or style, a frame, a font, or a request to anyone else.
"""

from peerchat.config import Origin

_STRICT = (
    "default-src 'none'; base-uri 'none'; font-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For what is data, not a page."""
PAGE_POLICY = f"{_STRICT}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
"""For the pages that need no JavaScript; their one script makes the exit better."""


def shell_policy(origin: Origin) -> str:
    """Return the policy of the app: WebAssembly for Argon2id, and the socket by its full address.

    Old browsers do not count a WebSocket to the same host as ``'self'``.
    """
    return (
        f"{_STRICT}; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {origin.websocket}"
    )


# Only features that browsers know: each unknown one is a warning in the console of every page.
_UNUSED_FEATURES = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)


def fixed_headers(origin: Origin) -> dict[bytes, bytes]:
    """Return the headers that every answer of this deployment has, names in lower case."""
    headers = {
        "content-security-policy": BARE_POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": ", ".join(f"{name}=()" for name in _UNUSED_FEATURES),
        # No search engine, and no copy on a shared phone; hashed files alone are kept (``guard``).
        "x-robots-tag": "noindex, nofollow, noarchive",
        "cache-control": "no-store",
    }
    if origin.is_secure:
        headers["strict-transport-security"] = "max-age=31536000"
    return {name.encode(): value.encode() for name, value in headers.items()}
