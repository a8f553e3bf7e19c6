"""`/v1/search`: the passages that a question finds."""

from typing import Annotated

from fastapi import Depends, Request

from protostar.db.patience import again
from protostar.dependencies import Manager
from protostar.retrieval.schemas import Hit, SearchRequest, SearchResponse
from protostar.retrieval.service import Retriever
from protostar.routing import Router

router = Router(prefix="/v1", tags=["search"])


async def _retriever(request: Request) -> Retriever:
    return request.state.retriever


@router.post("/search")
async def search(body: SearchRequest, principal: Manager, retriever: Annotated[Retriever, Depends(_retriever)]) -> SearchResponse:
    """The best passages first. `vector` needs an embedding model."""
    found = await again(lambda: retriever.search(principal.space_id, body.query, top_k=body.top_k, mode=body.mode))
    hits = [
        Hit(
            score=passage.score,
            keyword=passage.keyword,
            vector=passage.vector,
            document_id=passage.document_id,
            document_title=passage.document_title,
            version=passage.version,
            chunk_id=str(passage.chunk_id),
            text=passage.text,
            heading_path=list(passage.heading_path),
            page=passage.page,
            start=passage.start,
            end=passage.end,
        )
        for passage in found.passages
    ]
    return SearchResponse(hits=hits, degraded=found.degraded)
