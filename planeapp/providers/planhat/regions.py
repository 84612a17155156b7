"""Planhat's clusters: which hosts we may talk to, and their names for people.

Sources: Planhat developer docs, "Authentication & limits" (main host); regional hosts as its customers' app addresses
name them (``app-us1.planhat.com`` belongs to ``api-us1.planhat.com``). Only the vendor's own hosts are allowed, since
the region is typed by a person and the token is sent there.
"""

from __future__ import annotations

import re

from planeapp.lib.errors import FixSettings

HOST = re.compile(r"^api(-[a-z]{2}\d*)?\.planhat(demo)?\.com$")
KNOWN = ("", "eu", "eu2", "eu3", "eu8", "us1", "us2", "us4", "demo")
"""Regions that have been seen; others of the same form are accepted too. ``""`` is the main one."""

_CLUSTER = re.compile(r"^[a-z]{2}\d*$")
_APP_HOST = re.compile(r"^(?:app|ws)(?=[.-])")


def host(region: str) -> str:
    """The API host of a region: ``""`` main, ``us4`` a cluster, ``demo``, or an address that a person copied.

    Raises FixSettings for anything that is not one of Planhat's API hosts.
    """
    name = _bare(region)
    if name in ("", "default"):
        found = "api.planhat.com"
    elif name == "demo":
        found = "api.planhatdemo.com"
    elif _CLUSTER.fullmatch(name):
        found = f"api-{name}.planhat.com"
    else:
        found = _APP_HOST.sub("api", name)
    if HOST.fullmatch(found) is None:
        raise FixSettings(
            f"not a Planhat host: {region[:100]!r}",
            person="This is not an address of Planhat. "
            "Choose a region from the list, or enter one like api-us4.planhat.com.",
        )
    return found


def base_url(region: str) -> str:
    """Where a region's API is, without a last slash; FixSettings for a region that is not allowed."""
    return f"https://{host(region)}"


def label(region: str) -> str:
    """A region for people, with its host."""
    if region == "":
        return "Standard (api.planhat.com)"
    return f"{'Demo' if region == 'demo' else region.upper()} ({host(region)})"


def _bare(text: str) -> str:
    """A host or region name without scheme, path and letter case. Ports and user names stay, and so get refused."""
    return text.strip().lower().removeprefix("https://").split("/")[0]
