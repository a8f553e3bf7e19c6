"""The commands and their options. What a command does stands in the module that it imports when it runs.

Importing here only what parsing the command line needs keeps `--help` quick, and keeps the web framework and the database
driver out of the commands that are HTTP clients.
"""
# ruff: noqa: PLC0415 - see above

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

import typer

if TYPE_CHECKING:
    from protostar.cli.client import ApiClient

app = typer.Typer(
    help="Upload documents, ask questions, get answers whose every claim cites its passage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
documents = typer.Typer(help="The uploaded documents: list, show, text, delete, restore, retry, reread.", no_args_is_help=True)
jobs = typer.Typer(help="What the workers do: list, show, retry, cancel.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Limit = Annotated[int, typer.Option(min=1, help="How many, newest first.")]
DocumentId = Annotated[UUID, typer.Argument(metavar="ID", help="The document's id.")]
DocumentIds = Annotated[list[UUID], typer.Argument(metavar="ID...", help="Ids of documents.")]
AnyDocumentIds = Annotated[list[UUID] | None, typer.Argument(metavar="[ID...]", help="Ids of documents.")]
JobIds = Annotated[list[UUID], typer.Argument(metavar="ID...", help="Ids of jobs.")]
Mode = Literal["hybrid", "keyword", "vector"]
EvalTask = Literal["paragraphs", "articles"]
DocumentStatus = Literal["queued", "processing", "ready", "failed"]
PATIENCE: Final = 20  # attempts of a request that is one of thousands: a server may be away for minutes
JobState = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"protostar {version('protostar')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def _prepare() -> None:
    """What a process needs that serves for days. Raises ConfigurationError."""
    from protostar.open_files import raise_limit
    from protostar.temporary import temporary_folder

    temporary_folder()
    raise_limit()


def _with_client(command: "Callable[[ApiClient], Awaitable[int]]", *, space: UUID | None = None, **options: Any) -> None:
    """Run a command against the server and leave with the exit code that it returns.

    `space`: instead of PROTOSTAR_SPACE. `options`: of the client.
    """
    import asyncio

    from protostar.cli.client import ApiClient, find_server
    from protostar.cli.display import note
    from protostar.config import load_client_settings

    async def run() -> int:
        settings = load_client_settings()
        async with ApiClient(find_server(settings), note=note, space=space or settings.space, **options) as client:
            return await command(client)

    raise typer.Exit(asyncio.run(run()))


@app.command(rich_help_panel="Processes")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; instead of PROTOSTAR_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; instead of PROTOSTAR_PORT.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Data folder; instead of PROTOSTAR_DATA_DIR.")] = None,
) -> None:
    """Start the API, a worker, and the embedded servers for whatever has no URL."""
    from protostar.cli.serve import serve as run

    _prepare()
    run(host, port, data_dir)


@app.command(rich_help_panel="Processes")
def api() -> None:
    """Start the API alone."""
    from protostar.api.server import run_api
    from protostar.config import load_settings

    _prepare()
    run_api(load_settings())


@app.command(rich_help_panel="Processes")
def worker(
    kinds: Annotated[str | None, typer.Option(metavar="A,B", help="Only jobs of these kinds, comma-separated.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Jobs at once.")] = None,
) -> None:
    """Start a worker alone."""
    from protostar.config import load_settings
    from protostar.tasks import run_worker

    _prepare()
    overrides = {} if concurrency is None else {"worker": {"concurrency": concurrency}}
    wanted = frozenset(kind.strip() for kind in (kinds or "").split(",") if kind.strip())
    run_worker(load_settings(**overrides), wanted)


@app.command(rich_help_panel="Processes")
def migrate(
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a PostgreSQL that is away, for as long as it takes.")] = False,
) -> None:
    """Bring the schema of PROTOSTAR_DATABASE_URL up to date."""
    import asyncio

    from protostar.config import load_settings
    from protostar.db import migrate as migrations
    from protostar.db.revision import head
    from protostar.errors import ConfigurationError
    from protostar.telemetry import configure_logging

    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    url = settings.database_url
    if url is None:
        raise ConfigurationError("PROTOSTAR_DATABASE_URL is not set: `protostar serve` migrates the embedded database itself.")
    revision = asyncio.run((migrations.migrate_when_possible if wait else migrations.migrate)(url.get_secret_value()))
    later = f", of a later release than this one, which knows {head()}" if revision != head() else ""
    typer.echo(f"The schema is at revision {revision}{later}.")


@app.command(rich_help_panel="Processes")
def doctor(as_json: AsJson = False) -> None:
    """Check every setting and everything that Protostar depends on, and say what to do."""
    import asyncio

    from protostar.cli.doctor import examine

    raise typer.Exit(asyncio.run(examine(as_json=as_json)))


@app.command(rich_help_panel="Talk to a server")
def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders (with all below them), globs and URLs.")],
    *,
    title: Annotated[str | None, typer.Option(help="Title, for a single file.")] = None,
    metadata: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="May be repeated.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Uploads at once.")] = 4,
    replace: Annotated[
        bool | None,
        typer.Option(
            "--replace/--keep",
            help="Upload a changed file as the next version of the document of its name, or as a new one; by default leave it out.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until each document is ready or failed.")] = True,
    as_json: AsJson = False,
) -> None:
    """Upload documents and wait until they can be found."""
    from protostar.cli.ingest import Upload
    from protostar.cli.ingest import ingest as run

    upload = Upload(title, _pairs(metadata or []), wait, replace)
    _with_client(lambda client: run(client, paths, upload, concurrency=concurrency, as_json=as_json))


@app.command(rich_help_panel="Talk to a server")
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question; - reads it from standard input.")],
    conversation: Annotated[UUID | None, typer.Option(metavar="ID", help="Continue this conversation.")] = None,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream", help="Show the answer while it is written; by default on a terminal only.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a question and get an answer with its sources."""
    from protostar.cli.ask import ask as run

    text = (sys.stdin.read() if question == "-" else question).strip()
    if not text:
        raise typer.BadParameter("The question is empty.", param_hint="QUESTION")
    # What has been shown may have to be taken back: a file or a pipe gets the finished answer alone.
    live = sys.stdout.isatty() if stream is None else stream
    _with_client(lambda client: run(client, text, conversation=conversation, stream=live, as_json=as_json))


@app.command(rich_help_panel="Talk to a server")
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    top_k: Annotated[int, typer.Option(min=1, help="How many passages.")] = 10,
    mode: Annotated[Mode, typer.Option(help="How to search.")] = "hybrid",
    as_json: AsJson = False,
) -> None:
    """Find the passages that a question would be answered from."""
    from protostar.cli.search import search as run

    _with_client(lambda client: run(client, query, top_k=top_k, mode=mode, as_json=as_json))


@app.command("eval", rich_help_panel="Talk to a server")
def evaluate(
    datasets: Annotated[
        list[Path], typer.Argument(metavar="DATASET...", help="Folders with sets, or CSV files with the columns question,document.")
    ],
    *,
    task: Annotated[EvalTask, typer.Option(help="What is loaded from a folder, and must be found.")] = "paragraphs",
    mode: Annotated[Mode, typer.Option(help="How to search.")] = "hybrid",
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="Ask only so many questions of each set.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of the intervals.")] = 0,
    refusals: Annotated[
        Path | None,
        typer.Option(
            metavar="DATASET", help="Also ask its questions, which have no answer here. A CSV needs the column `question`."
        ),
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Have the questions answered, and check the citations.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Do not delete the scratch space of a folder.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")] = 8,
    compare: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with this output of an earlier run with --json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well questions with known sources are found and answered.

    A folder is loaded into a scratch space, which takes the admin key. A CSV names documents that are there already, by file name
    or title.
    """
    from protostar.cli.evaluation.model import Options
    from protostar.cli.evaluation.run import evaluate as run

    options = Options(task, mode, sample, seed, refusals, answers, keep, concurrency)
    _with_client(lambda client: run(client, datasets, options, compare=compare, as_json=as_json))


@app.command(rich_help_panel="Talk to a server")
def reindex(
    space: Annotated[UUID | None, typer.Option(help="Only this space; by default every space of the server.")] = None,
    wait: Annotated[bool, typer.Option(help="Show how far it is, and wait for the end.")] = True,
) -> None:
    """Rebuild vectors and terms after a change of the embedding model, beside those in use.

    The old ones answer until the new ones are complete. A text is not paid for twice.
    """
    from protostar.cli.reindex import reindex as run

    _with_client(lambda client: run(client, space, wait=wait))


@app.command("export", rich_help_panel="Talk to a server")
def export_space(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write, a tar.")],
    space: Annotated[UUID | None, typer.Option(metavar="ID", help="The space, with the admin key; else the oldest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a space into an archive: documents with all versions, settings, conversations. Keys are not in it.

    Run it again to continue after an interruption.
    """
    from protostar.cli.exporting import export as run

    if str(file) == "-":
        raise typer.BadParameter("An archive goes into a file: it is written at more than one place at once.", param_hint="FILE")
    _with_client(lambda client: run(client, file, as_json=as_json), space=space, attempts=PATIENCE)


@app.command("import", rich_help_panel="Talk to a server")
def import_space(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `protostar export` wrote.")],
    space_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the new space; by default the archived one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an archive and create a space from it; this takes the admin key.

    Run it again to continue after an interruption. The same archive under the same name is imported once.
    """
    from protostar.cli.importing import import_archive as run

    _with_client(lambda client: run(client, file, space_name, as_json=as_json), attempts=PATIENCE)


@documents.command("list")
def list_documents(
    status: Annotated[DocumentStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List documents, newest first."""
    from protostar.cli.documents import list_documents as run

    _with_client(lambda client: run(client, status=status, limit=limit, as_json=as_json))


@documents.command("show")
def show_document(document_id: DocumentId, as_json: AsJson = False) -> None:
    """Show everything about a document."""
    from protostar.cli.documents import show

    _with_client(lambda client: show(client, document_id, as_json=as_json))


@documents.command("delete")
def delete_documents(document_ids: DocumentIds) -> None:
    """Delete documents: hidden at once, erased by a job."""
    from protostar.cli.documents import delete

    _with_client(lambda client: delete(client, document_ids))


@documents.command("restore")
def restore_documents(document_ids: DocumentIds) -> None:
    """Undo deletions, within the time that PROTOSTAR_DELETE_GRACE gives."""
    from protostar.cli.documents import restore

    _with_client(lambda client: restore(client, document_ids))


@documents.command("text")
def document_text(
    document_id: DocumentId,
    version: Annotated[int | None, typer.Option(min=1, help="An earlier version.")] = None,
) -> None:
    """Print a document's extracted text."""
    from protostar.cli.documents import text

    _with_client(lambda client: text(client, document_id, version=version))


@documents.command("retry")
def retry_documents(
    document_ids: AnyDocumentIds = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that have failed.")] = False,
) -> None:
    """Index failed documents again."""
    from protostar.cli.documents import retry

    if not document_ids and not failed:
        raise typer.BadParameter("Name documents by their ids, or all that failed by --failed.")
    _with_client(lambda client: retry(client, document_ids or [], failed=failed), attempts=PATIENCE)


@documents.command("reread")
def reread_documents(
    document_ids: AnyDocumentIds = None,
    suffix: Annotated[str | None, typer.Option(help="All whose file name ends so, such as .pdf.")] = None,
) -> None:
    """Read documents again, as their next versions: after an upgrade that reads their kind better."""
    from protostar.cli.documents import reread

    if not document_ids and suffix is None:
        raise typer.BadParameter("Name documents by their ids, or by --suffix.")
    _with_client(lambda client: reread(client, document_ids or [], suffix=suffix), attempts=PATIENCE)


@jobs.command("list")
def list_jobs(
    state: Annotated[JobState | None, typer.Option(help="Only these.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only these, such as document.index.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    from protostar.cli.jobs import list_jobs as run

    _with_client(lambda client: run(client, state=state, kind=kind, limit=limit, as_json=as_json))


@jobs.command("show")
def show_job(
    job_id: Annotated[UUID, typer.Argument(metavar="ID", help="The job's id.")],
    as_json: AsJson = False,
) -> None:
    """Show everything about a job, with its live progress."""
    from protostar.cli.jobs import show

    _with_client(lambda client: show(client, job_id, as_json=as_json))


@jobs.command("retry")
def retry_jobs(job_ids: JobIds) -> None:
    """Queue failed, dead or cancelled jobs again."""
    from protostar.cli.jobs import act

    _with_client(lambda client: act(client, "retry", job_ids))


@jobs.command("cancel")
def cancel_jobs(job_ids: JobIds) -> None:
    """Cancel queued or running jobs."""
    from protostar.cli.jobs import act

    _with_client(lambda client: act(client, "cancel", job_ids))


app.add_typer(documents, name="documents", rich_help_panel="Talk to a server")
app.add_typer(jobs, name="jobs", rich_help_panel="Talk to a server")


def _pairs(values: list[str]) -> dict[str, str]:
    for value in values:
        if not value.partition("=")[0] or "=" not in value:
            raise typer.BadParameter(f"{value!r} is not KEY=VALUE.", param_hint="--metadata")
    return dict(value.split("=", 1) for value in values)
