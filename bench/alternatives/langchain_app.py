"""Upload, search and streamed answers as the tutorials of LangChain build them, with pgvector: `python langchain_app.py PORT`."""

import asyncio
import json
import os
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_postgres import PGVector
from langchain_text_splitters import RecursiveCharacterTextSplitter

MODELS = os.environ["MODELS_URL"]
CONNECTION = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")

splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=0)
embeddings = OpenAIEmbeddings(
    model="text-embedding-3-small", base_url=MODELS, api_key="none", chunk_size=64, check_embedding_ctx_length=False
)
store = PGVector(embeddings=embeddings, collection_name="bench", connection=CONNECTION, use_jsonb=True)
chat = ChatOpenAI(model="gpt-4o-mini", base_url=MODELS, api_key="none", streaming=True)
prompt = ChatPromptTemplate.from_template(
    "Answer the question from the context alone. Cite passages as [n].\n\nContext:\n{context}\n\nQuestion: {question}"
)
app = FastAPI()


@app.get("/health")
def health() -> dict:
    return {"status": "ok"}


@app.post("/documents")
async def upload(request: Request, filename: str) -> dict:
    text = (await request.body()).decode()
    chunks = splitter.split_documents([Document(page_content=text, metadata={"filename": Path(filename).name})])
    await run_in_threadpool(store.add_documents, chunks)
    return {"chunks": len(chunks)}


@app.post("/search")
def search(body: dict) -> dict:
    found = store.similarity_search_with_score(body["query"], k=body["top_k"])
    return {"hits": [{"text": document.page_content, "score": float(score)} for document, score in found]}


@app.post("/answers")
async def answer(body: dict) -> StreamingResponse:
    async def events():
        found = await asyncio.to_thread(store.similarity_search, body["question"], k=8)
        context = "\n\n".join(f"[{number}] {document.page_content}" for number, document in enumerate(found, 1))
        async for piece in (prompt | chat).astream({"context": context, "question": body["question"]}):
            if piece.content:
                yield f"event: delta\ndata: {json.dumps({'text': piece.content})}\n\n"
        yield "event: done\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
