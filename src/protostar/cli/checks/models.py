"""Chat and embedding models: whether their servers answer, offer them, and what the embedding model understands."""

from protostar.cli.checks.check import Check, address, reason
from protostar.cli.checks.http import NO_ANSWER, get_json
from protostar.config import PREFIX, ChatSettings, EmbeddingSettings
from protostar.errors import ProtostarError
from protostar.llm.factory import open_session
from protostar.llm.fluency import EXAMINATION, examine, languages
from protostar.llm.openai import OpenAIEmbeddingModel


async def chat(settings: ChatSettings) -> Check:
    return await _model("chat", settings, "answers quote the best passages")


async def _model(name: str, model: ChatSettings | EmbeddingSettings, without: str) -> Check:
    if model.base_url is None:
        return Check(name, "off", f"not set: {without}")
    group = "CHAT" if name == "chat" else "EMBEDDING"
    url = model.base_url.rstrip("/") + "/models"
    try:
        status, listing = await get_json(url, model.api_key)
    except NO_ANSWER as error:
        advice = f"Start the model server, or check {PREFIX}{group}_BASE_URL."
        return Check(name, "broken", f"{address(url)}: {reason(error)}", advice)
    if status in {401, 403}:
        return Check(name, "broken", f"{address(url)} refuses the key", f"Check {PREFIX}{group}_API_KEY.")
    if status != 200 or not listing:
        found = f"{address(url)} answers {status} and lists no models"
        return Check(name, "warning", found, f"Check that {PREFIX}{group}_BASE_URL ends with /v1.")
    return _offered(name, model, [str(entry.get("id")) for entry in listing.get("data", ())], group)


def _offered(name: str, model: ChatSettings | EmbeddingSettings, offered: list[str], group: str) -> Check:
    needed = [model.model, *(model.fallbacks if isinstance(model, ChatSettings) else ())]
    missing = [name for name in needed if name not in offered]
    if missing:
        found = f"{', '.join(map(str, missing))} is not among the models of the server"
        some = ", ".join(offered[:8]) or "none"
        return Check(name, "warning", found, f"Check {PREFIX}{group}_MODEL; offered: {some}.")
    return Check(name, "ok", f"{model.model} at {address(model.base_url or '')}")


async def embeddings(settings: EmbeddingSettings) -> Check:
    check = await _model("embeddings", settings, "search uses keywords alone")
    if check.state != "ok":
        return check
    try:
        async with open_session() as session:
            model = OpenAIEmbeddingModel(session, settings)
            timeout = settings.batch_timeout.total_seconds()
            known = languages(await examine(model, batch_size=settings.batch_size, timeout=timeout))
    except ProtostarError as error:
        advice = f"Look at the model server's log, and at the settings {PREFIX}EMBEDDING_…"
        return Check(check.name, "broken", f"{check.found}: {error}", advice)
    if not known:
        found = f"{check.found}, which understands neither Korean nor English"
        return Check(check.name, "warning", found, "Search uses keywords alone; choose another model to find by meaning too.")
    understood = " and ".join({"ko": "Korean", "en": "English"}[language] for language in known)
    alone = "" if len(known) == len(EXAMINATION) else "; questions in other languages are searched by keywords alone"
    return Check(check.name, "ok", f"{check.found}, which understands {understood}{alone}")
