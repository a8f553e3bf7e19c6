from protostar.answers.citations import Citation


def quote_answer(query, passages):
    p = passages[0]
    s = p.text.split("\n")[0]
    return [s + " [1]"], [Citation(1, p.document_id, p.document_title, p.version, p.heading_path, p.page, p.start, p.end, p.text)]


def summarize(texts):
    return (texts[0] if texts else "")[:300]
