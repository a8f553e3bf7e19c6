import re
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Citation:
    marker: int
    document_id: UUID
    document_title: str
    version: int
    heading_path: tuple
    page: int | None
    start: int
    end: int
    quote: str


class MarkerFilter:
    def __init__(self, passages):
        self.p = passages
        self.dropped = 0

    def feed(self, t):
        return t

    def flush(self):
        return ""

    def citations(self, text):
        out = []
        for n in sorted({int(x) for x in re.findall(r"\[(\d+)\]", text)}):
            if 1 <= n <= len(self.p):
                p = self.p[n - 1]
                out.append(Citation(n, p.document_id, p.document_title, p.version, p.heading_path, p.page, p.start, p.end, p.text))
        return out
