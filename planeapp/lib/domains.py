"""Internet domains in what people write."""

from __future__ import annotations

from planeapp.lib.folding import folded


def domain_of(text: str) -> str:
    """The domain in an address, an e-mail address or a bare domain, without ``www.``; ``""`` when there is none."""
    bare = folded(text).removeprefix("https://").removeprefix("http://").split("/")[0].rpartition("@")[2]
    return bare.removeprefix("www.") if "." in bare.strip(".") and " " not in bare else ""
