"""What is written is true: settings, names and links are current, and the examples run on a real `protostar serve`."""

import ast
import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.support.waiting import wait_until

from protostar import errors
from protostar.config import load_settings
from protostar.documents.media_types import FORMATS
from protostar.telemetry import Metrics

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
ADDRESS = "http://127.0.0.1:8000"  # of the examples; the test's server has another port

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+\s+(.+)$", re.MULTILINE)
_SESSION = re.compile(r"^```bash session\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_settings", ROOT / "docs/generate_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- names


@pytest.mark.parametrize(("name", "make"), [("docs/configuration.md", "configuration"), (".env.example", "example")])
def test_every_setting_is_documented(name: str, make: str) -> None:
    assert page(name) == getattr(generator(), make)(), "run: .venv/bin/python docs/generate_settings.py"


def test_the_bounds_of_a_duration_are_durations() -> None:
    allowed = {setting.variable: setting.allowed for group in generator().groups() for setting in group.settings}
    assert allowed["PROTOSTAR_DELETE_GRACE"] == "duration, at least 0, at most P30D"


def test_the_values_of_the_example_are_the_defaults(tmp_path: Path) -> None:
    uncommented = re.sub(r"^#(PROTOSTAR_\w+=)", r"\1", page(".env.example"), flags=re.MULTILINE)
    file = tmp_path / "env"
    file.write_text(uncommented, encoding="utf-8")
    assert load_settings(_env_file=file) == load_settings(_env_file=None)
    file.write_text(uncommented.replace("PROTOSTAR_PORT=8000", "PROTOSTAR_PORT=1"), encoding="utf-8")
    assert load_settings(_env_file=file).port == 1


def test_settings_that_are_named_exist() -> None:
    known = {setting.variable for group in generator().groups() for setting in group.settings} | {"PROTOSTAR_TEST_POSTGRES"}
    for path in PAGES:
        named = set(re.findall(r"PROTOSTAR_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))
        prefixes = {f"PROTOSTAR_{group}" for group in ("S3", "CHAT", "EMBEDDING")}
        assert named <= known | prefixes, path


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if not target.startswith(("https://", "http://", "mailto:")):
            file = path.parent / target if target else path
            assert file.exists(), link
            assert not anchor or anchor in {_anchor(text) for text in _HEADING.findall(_FENCE.sub("", file.read_text("utf-8")))}, (
                link
            )


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_layers_are_those_that_are_checked() -> None:
    contracts = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    tables = page("docs/architecture.md").partition("## Layers")[2].partition("\n## ")[0].split("| line |")[1:]
    for contract, table in zip(contracts, tables, strict=True):
        lines = [" | ".join(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines() if row.startswith("| `")]
        assert lines == contract["layers"]


def test_every_warning_and_error_of_the_log_is_explained() -> None:
    explained = page("docs/operations.md").partition("### Warnings and errors")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", explained, re.MULTILINE))
    logged = {event for level, event in _events() if level in {"warning", "error", "exception"}}
    assert logged == rows.keys()
    for level, event in _events():
        assert f"`{event}`" in explained, level


def _events() -> Iterator[tuple[str, str]]:
    """(level, event) of every call of `log` in the package."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), level), [ast.Constant(str(event)), *_]):
                    yield level, event
                case ast.Call(ast.Name("Trouble"), [ast.Constant(str(event))]):
                    yield "warning", event


def test_every_metric_is_explained() -> None:
    metrics: list[Metric] = list(Metrics().registry.collect())
    names = {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics}
    table = page("docs/operations.md").partition("## Metrics")[2].partition("## Log")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == names


def test_every_problem_is_listed() -> None:
    table = page("docs/api.md").partition("## Problems")[2].partition("## Lists")[0]
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", table, re.MULTILINE)
    listed = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    for name, error in vars(errors).items():
        # These never leave a worker or the start.
        inside = {"LeaseLost", "ConfigurationError", "UnreadableDocument", "WebhookUnavailable"}
        inside |= {"SourceRejected", "SourceUnavailable"}
        if isinstance(error, type) and issubclass(error, errors.ProtostarError) and name not in inside:
            assert (error.status_code, error.code) in listed


def test_the_readme_names_every_format() -> None:
    section = page("README.md").partition("## Formats")[2].partition("## ")[0]
    assert all(form.name.removesuffix(")").split(" (")[0] in section for form in FORMATS)


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    for path in PAGES:
        assert not re.search(r"/(?:work|root|home|Users)/", path.read_text(encoding="utf-8")), path


# -- examples


@dataclass(frozen=True)
class Product:
    """A running `protostar serve` as a new user has it. `folder`: theirs, with `.venv`, `tests` and `data` in it."""

    folder: Path
    url: str
    key: str

    async def run(self, name: str) -> str:
        """Run the sessions of a page from top to bottom in one shell; what they print."""
        script = "\n".join(_SESSION.findall(page(name))).replace(ADDRESS, self.url)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed = (await process.communicate())[0].decode()
        assert process.returncode == 0, printed[-3000:]
        return printed

    def http(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(self.url, headers={"Authorization": f"Bearer {self.key}"}, raise_for_status=True)


def environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PROTOSTAR_")}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """What a clone looks like to the examples."""
    with tempfile.TemporaryDirectory(prefix="protostar-docs-", dir="/tmp") as name:
        folder = Path(name).resolve()
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "tests").symlink_to(ROOT / "tests")
        yield folder


@pytest.fixture(scope="module")
async def product(folder: Path) -> AsyncGenerator[Product]:
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("the examples need bash and curl")
    local, log = folder / "data/local.json", folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(folder / ".venv/bin/protostar", "serve"),
            cwd=folder,
            env={**environment(), "PROTOSTAR_PORT": "0"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        await wait_until(lambda: local.exists() or process.returncode is not None, 60)
        assert process.returncode is None, log.read_text()
        yield Product(folder, **json.loads(local.read_bytes()))
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_the_session_of_the_readme(product: Product) -> None:
    printed = await product.run("README.md")
    assert "4 ready" in printed
    assert re.search(r"^\[1\] .+ · page 1 · .*백업", printed, re.MULTILINE)
    assert "30일 동안" in printed
    assert "event: ready" in printed
    assert printed.count("event: done") == 1


async def test_every_citation_leads_to_its_quote(product: Product) -> None:
    """The acceptance test: real files of each kind, and questions in Korean and English."""
    files = """
        guide-en.md guide-ko.md guide-ko.docx guide-ko.odt guide-ko-cp949.txt guide-ko.rtf deck-ko.pptx three-pages-ko.pdf
        sheet-ko.xlsx sheet-ko.xls sheet-ko.ods deck-ko.odp table.csv book-ko.epub page-ko-euckr.html note-ko.ipynb mail-ko.eml"""
    async with product.http() as http:
        for name in files.split():
            body = (ROOT / "tests/files" / name).read_bytes()
            async with http.post("/v1/documents", params={"filename": name}, data=body) as response:
                uploaded = await response.json()
            async with http.get(f"/v1/documents/{uploaded['id']}/events") as response:
                assert "event: ready" in await response.text(), name
        cited = 0
        for question in (
            "백업 파일은 며칠 동안 보관하나요?",
            "설치에는 무엇이 필요합니까?",
            "재고 수량",
            "How long are backups kept?",
        ):
            async with http.post("/v1/answers", json={"question": question}) as response:
                answer = await response.json()
            async with http.post("/v1/search", json={"query": question, "top_k": 50}) as response:
                hits = (await response.json())["hits"]
            assert answer["found"], question
            assert {f"[{each['marker']}]" for each in answer["citations"]} == set(re.findall(r"\[\d+\]", answer["text"]))
            for place in [*answer["citations"], *hits]:
                assert await _quoted(http, place) == place.get("quote", place.get("text"))
                cited += "quote" in place
    assert cited >= 4


async def _quoted(http: aiohttp.ClientSession, place: dict) -> str:
    async with http.get(f"/v1/documents/{place['document_id']}/text", params={"version": place["version"]}) as response:
        text = (await response.read()).decode("utf-8")
    return text[place["start"] : place["end"]]


async def test_the_examples_of_the_api_call_every_route(product: Product) -> None:
    await product.run("docs/api.md")
    async with product.http() as http:
        async with http.get("/openapi.json") as response:
            paths = (await response.json())["paths"]
        async with http.get("/metrics") as response:
            counted = await response.text()
    samples = [sample.labels for family in text_string_to_metric_families(counted) for sample in family.samples]
    called = {(labels["method"], labels["route"]) for labels in samples if "method" in labels}
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} <= called
