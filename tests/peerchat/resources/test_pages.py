"""The pages that need no JavaScript: light, neutral, and with a way out, for everybody alike."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pydantic import ValidationError
from pytest_django.fixtures import Settings

from peerchat.asgi import application
from peerchat.config import load
from peerchat.resources.hotlines import DATA, Hotlines, hotlines
from tests.peerchat.asgi_client import Answer, ask

PAGES = ["/", "/help", "/safety", "/agreement"]
BUDGET_BYTES = 14 * 1024
BUDGET_REQUESTS = 4
PROJECT = Path(__file__).resolve().parents[3]


async def page(path: str) -> Answer:
    answer = await ask(application, "GET", path)
    assert answer.status == 200
    return answer


def parts_of(html: str) -> list[str]:
    """The addresses that a browser fetches to show the page."""
    return re.findall(r'<link[^>]+href="([^"]+)"', html) + re.findall(
        r'<(?:script|img)[^>]+src="([^"]+)"', html
    )


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_fits_the_budget(path: str) -> None:
    first = await page(path)
    parts = parts_of(first.body.decode())
    total = len(first.body)
    for part in parts:
        answer = await page(part)
        total += len(answer.body)
        assert answer.header("cache-control") == "public, max-age=31536000, immutable"
    assert 1 + len(parts) <= BUDGET_REQUESTS
    assert total <= BUDGET_BYTES


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_nothing_from_elsewhere_and_holds_no_inline_code(path: str) -> None:
    html = (await page(path)).body.decode()
    assert all(re.fullmatch(r"/pages/[a-z]+\.[0-9a-f]{10}\.(css|js|svg)", part) for part in parts_of(html))
    assert not re.search(r"<script(?![^>]+src=)|<style|\sstyle=|\son[a-z]+=|javascript:", html)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_neutral_from_the_first_byte_and_kept_nowhere(path: str) -> None:
    answer = await page(path)
    html = answer.body.decode()
    assert "<title>Notes</title>" in html[:120]
    assert html.index("<title>") < html.index("<link")
    assert answer.header("cache-control") == "no-store"
    assert answer.header("set-cookie") is None
    assert "require-trusted-types-for 'script'" in (answer.header("content-security-policy") or "")
    # What a tab, a history or a look over a shoulder shows at the top says nothing of why someone is here.
    assert "traffick" not in html[: html.index("<main")].lower()
    assert path == "/help" or "traffick" not in html.lower()


@pytest.mark.parametrize("path", PAGES)
async def test_the_way_out_is_a_plain_link_on_every_page(path: str) -> None:
    html = (await page(path)).body.decode()
    way = re.findall(r"<a [^>]*data-exit>", html)
    assert way == ['<a class="exit" href="https://www.wikipedia.org/" rel="noreferrer" data-exit>']


async def test_title_and_exit_are_the_deployments_own(settings: Settings) -> None:
    settings.PEERCHAT = load(
        {
            "PEERCHAT_TITLE": "Recipes & more",
            "PEERCHAT_EXIT_URL": "https://weather.example/",
            "PEERCHAT_DATA_DIR": str(settings.PEERCHAT.data_dir),
        }
    )
    html = (await page("/")).body.decode()
    assert "<title>Recipes &amp; more</title>" in html
    assert 'href="https://weather.example/" rel="noreferrer" data-exit' in html


async def test_help_lines_can_be_called_and_warn_of_the_call_list() -> None:
    html = (await page("/help")).body.decode()
    assert "call list" in html
    for wanted in (
        "tel:18883737888",
        "sms:233733",
        "tel:988",
        "tel:08000121700",
        "tel:112",
        "tel:999",
        "tel:911",
    ):
        assert f'href="{wanted}"' in html
    assert "Text START to 88788" in html


def test_every_help_line_names_its_source_and_day() -> None:
    lines = [line for region in hotlines().regions for line in region.lines]
    assert len(lines) > 15
    for line in lines:
        assert line.source.startswith("http")
        assert line.checked.year >= 2026


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"call": "988"', '"call": "988<script>"'),
        ('"call": "988"', '"call": "call us"'),
        ('"call": "988"', '"number": "988"'),
        ('"checked": "2026-11-24"', '"checked": "soon"'),
        ('"source": "https://', '"source": "trust me '),
        ('"name": "Samaritans"', '"name": "Samaritans <b>"'),
    ],
)
def test_a_wrong_data_file_is_refused(right: str, wrong: str) -> None:
    text = DATA.read_text()
    assert right in text
    with pytest.raises(ValidationError):
        Hotlines.model_validate_json(text.replace(right, wrong, 1))


async def test_what_is_not_there_is_not_repeated() -> None:
    for path in ("/canary-6f1e", "/pages/canary.0000000000.css", "/../canary", "/app/canary-6f1e"):
        answer = await ask(application, "GET", path)
        assert (answer.status, answer.body) == (404, b"There is nothing here for you.\n")
        assert "default-src 'none'" in (answer.header("content-security-policy") or "")
    answer = await ask(application, "GET", "/api/v1/canary-6f1e")
    assert answer.status == 404
    assert b'"code":"request.not_found"' in answer.body
    assert b"canary" not in answer.body


async def test_without_a_build_the_shell_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    settings.PEERCHAT = load(
        {"PEERCHAT_SHELL_DIR": str(tmp_path), "PEERCHAT_DATA_DIR": str(settings.PEERCHAT.data_dir)}
    )
    answer = await ask(application, "GET", "/app")
    assert (answer.status, answer.body) == (503, b"The app is not built yet: run `make build`.\n")


@pytest.mark.parametrize("path", ["/app", "/join"])
async def test_the_shell_is_served_to_the_byte_under_its_policy(
    settings: Settings, tmp_path: Path, path: str
) -> None:
    built = b"<!doctype html><title>Notes</title>\n\xc3\xa9"
    (tmp_path / "index.html").write_bytes(built)
    settings.PEERCHAT = load(
        {"PEERCHAT_SHELL_DIR": str(tmp_path), "PEERCHAT_DATA_DIR": str(settings.PEERCHAT.data_dir)}
    )
    answer = await page(path)
    assert answer.body == built
    policy = answer.header("content-security-policy") or ""
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "connect-src 'self' ws://127.0.0.1:8000" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.header("cache-control") == "no-store"


def test_pages_and_app_show_the_same_icon() -> None:
    ours = PROJECT / "peerchat/resources/assets/icon.svg"
    assert ours.read_bytes() == (PROJECT / "frontend/public/icon.svg").read_bytes()


async def test_the_shell_leaves_by_the_same_way_out_as_the_pages() -> None:
    shell = (PROJECT / "frontend/index.html").read_text()
    found: Any = re.search(r'name="leave-to"\s+content="([^"]+)"', shell)
    assert found is not None
    answer = await ask(application, "GET", found[1])
    assert (answer.status, answer.header("location")) == (303, settings.PEERCHAT.exit_url)


async def test_health_says_whether_work_is_welcome(django_db_setup: None, db: None) -> None:
    from peerchat import health

    assert (await page("/healthz")).body == b"ok\n"
    health.set_draining(True)
    try:
        answer = await ask(application, "GET", "/readyz")
        assert (answer.status, answer.body) == (503, b"draining\n")
        assert (await page("/healthz")).body == b"ok\n"
    finally:
        health.set_draining(False)
