"""`/v1/search`: the passages that a question finds."""

from typing import Annotated

from protostar.db.patience import again
from protostar.dependencies import Manager, opened
from protostar.retrieval.schemas import Hit, SearchRequest, SearchResponse
from protostar.retrieval.service import Retriever
from protostar.routing import Router

router = Router(prefix="/v1", tags=["search"])


@router.post("/search")
async def search(body: SearchRequest, principal: Manager, retriever: Annotated[Retriever, opened("retriever")]) -> SearchResponse:
    """The best passages first. `vector` needs an embedding model."""
    found = await again(lambda: retriever.search(principal.space_id, body.query, top_k=body.top_k, mode=body.mode))
    hits = [Hit.model_validate(passage, from_attributes=True) for passage in found.passages]
    return SearchResponse(hits=hits, degraded=found.degraded)
