"""The pages and the product say the same: settings, commands, addresses, files."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from planeapp.inbox.asgi import PREFIX, _address
from tests.docs.pages import GUIDES, ROOT, everything, page, settings_table

SETTINGS = (ROOT / "planeapp" / "settings.py").read_text()
READ = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
OURS = {name for name, app in get_commands().items() if app == "planeapp.operators"}
FIXED = ("doctor", "connect", "config", "sync", "backfill", "replay", "rotate_keys", "offboard", "understand", "demo")
"""Commands that scripts rely on."""
ADDRESSES = (
    "/",
    "/setup/",
    "/oauth/plane/callback/",
    "/oauth/planner/callback/",
    "/w/some-slug/",
    "/healthz",
    "/readyz",
    "/metrics",
)
DOORS = ("/webhooks/plane/", "/webhooks/planner/opaque/", "/webhooks/planhat/opaque/")
OPTION = re.compile(r"manage\.py ([a-z_]+)([^`\n|]*)")


def test_every_setting_that_is_read_stands_in_the_table_and_no_other() -> None:
    assert settings_table() == READ


def test_no_setting_is_read_from_the_environment_anywhere_else() -> None:
    allowed = {"settings.py", "celery.py", "wsgi.py", "asgi.py", "env.py"}
    found = [
        str(path) for path in (ROOT / "planeapp").rglob("*.py")
        if path.name not in allowed and not {"sandbox", "demo"} & set(path.parts) and path.name != "demo.py"
        and re.search(r"os\.(environ|getenv)", path.read_text())
    ]  # fmt: skip
    assert found == []


def test_every_command_of_ours_is_told_of_and_those_that_scripts_rely_on_are_there() -> None:
    told = everything()
    assert [name for name in sorted(OURS) if f"manage.py {name}" not in told and f"`{name}`" not in told] == []
    assert set(FIXED) <= OURS


def test_every_command_that_the_pages_name_exists_with_its_options() -> None:
    known = get_commands() | {"help": "django.core"}
    wrong = []
    for name, rest in OPTION.findall(everything()):
        if name not in known:
            wrong.append(name)
        if name not in get_commands():
            continue
        takes = _options(load_command_class(str(known[name]), name).create_parser("manage.py", name))
        wrong += [f"{name} {option}" for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest) if option not in takes]
    assert wrong == []


def _options(parser: ArgumentParser) -> set[str]:
    """Those of the command and of its sub-commands."""
    inner = [
        one for action in parser._actions if isinstance(action, _SubParsersAction) for one in action.choices.values()
    ]
    return set(parser._option_string_actions).union(*(_options(one) for one in inner))


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_addresses_of_the_contract_lead_somewhere(path: str) -> None:
    assert resolve(path)


@pytest.mark.parametrize("path", DOORS)
def test_the_doors_of_the_contract_are_doors(path: str) -> None:
    assert path.startswith(PREFIX)
    _address(path)


def test_an_address_that_nobody_promised_leads_nowhere() -> None:
    with pytest.raises(Resolver404):
        resolve("/metric")


@pytest.mark.parametrize(
    "path", ["/setup/", "/oauth/plane/callback/", "/webhooks/plane/", "/healthz", "/readyz", "/metrics"]
)
def test_what_an_operator_registers_or_calls_stands_in_the_pages(path: str) -> None:
    assert path in everything()


def test_links_between_pages_and_into_the_tree_lead_to_files() -> None:
    for source in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", source.read_text()):
            assert (source.parent / target).exists(), f"{source.name}: {target}"


@pytest.mark.parametrize("name", GUIDES)
def test_files_that_a_guide_names_are_there(name: str) -> None:
    named = re.findall(r"`((?:planeapp|tests|docs)/[\w./-]+)`", page(name))
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_figure_of_the_metrics_stands_in_the_guide_and_no_other() -> None:
    code = (ROOT / "planeapp" / "operators" / "measures.py").read_text()
    told = re.sub(r"```.*?```", "", page("operating"), flags=re.DOTALL)
    assert set(re.findall(r'"(groundcrew_\w+)"', code)) == set(re.findall(r"`(groundcrew_\w+)`", told))


def test_alerts_ask_only_for_figures_that_exist() -> None:
    rules = "".join(re.findall(r"```yaml\n(.*?)```", page("operating"), re.DOTALL))
    code = (ROOT / "planeapp" / "operators" / "measures.py").read_text()
    asked = set(re.findall(r"groundcrew_\w+", rules))
    assert asked and not [name for name in asked if f'"{name}"' not in code]


def test_processes_of_the_scaling_guide_are_those_of_the_procfile() -> None:
    procfile = re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.MULTILINE)
    told = re.findall(r"^\| `(\w+)` \|", page("scaling"), re.MULTILINE)
    assert set(told) == set(procfile) - {"release"}
