"""Upload, search and streamed answers as the tutorials of LlamaIndex build them, with pgvector: `python llamaindex_app.py PORT`."""

import json
import os
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI
from llama_index.vector_stores.postgres import PGVectorStore

MODELS = os.environ["MODELS_URL"]
URL = os.environ["DATABASE_URL"]

Settings.llm = OpenAI(model="gpt-4o-mini", api_base=MODELS, api_key="none")
Settings.embed_model = OpenAIEmbedding(
    model="text-embedding-3-small", api_base=MODELS, api_key="none", embed_batch_size=64, dimensions=1536
)
Settings.node_parser = SentenceSplitter(chunk_size=320, chunk_overlap=0)  # tokens; about as many chunks as 1,000 characters make
store = PGVectorStore(
    connection_string=URL.replace("postgresql://", "postgresql+psycopg2://"),
    async_connection_string=URL.replace("postgresql://", "postgresql+asyncpg://"),
    table_name="bench",
    schema_name="public",
    embed_dim=1536,
)
index = VectorStoreIndex.from_vector_store(store)
app = FastAPI()


@app.get("/health")
def health() -> dict:
    return {"status": "ok"}


@app.post("/documents")
async def upload(request: Request, filename: str) -> dict:
    document = Document(text=(await request.body()).decode(), metadata={"filename": Path(filename).name})
    nodes = Settings.node_parser.get_nodes_from_documents([document])
    await run_in_threadpool(index.insert_nodes, nodes)
    return {"chunks": len(nodes)}


@app.post("/search")
def search(body: dict) -> dict:
    found = index.as_retriever(similarity_top_k=body["top_k"]).retrieve(body["query"])
    return {"hits": [{"text": node.get_content(), "score": node.get_score()} for node in found]}


@app.post("/answers")
def answer(body: dict) -> StreamingResponse:
    engine = index.as_query_engine(streaming=True, similarity_top_k=8, response_mode="compact")

    def events():
        for piece in engine.query(body["question"]).response_gen:
            yield f"event: delta\ndata: {json.dumps({'text': piece})}\n\n"
        yield "event: done\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
