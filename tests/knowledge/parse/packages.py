"""Hangul and OpenDocument files, made here in the shape in which the programs write them."""

import zipfile
from pathlib import Path

HANCOM = "http://www.hancom.co.kr/hwpml/2011"
OWPML = "http://www.owpml.org/owpml/2024"

_HEADER = """<hh:head {ns} version="1.5" secCnt="1"><hh:refList>
<hh:numberings itemCnt="2"><hh:numbering id="1" start="0">
<hh:paraHead start="1" level="1" numFormat="DIGIT">^1.</hh:paraHead>
<hh:paraHead start="1" level="2" numFormat="HANGUL_SYLLABLE">^2.</hh:paraHead>
<hh:paraHead start="1" level="3" numFormat="DIGIT"/></hh:numbering>
<hh:numbering id="2" start="0"><hh:paraHead start="3" level="1" numFormat="DIGIT">제^1조</hh:paraHead>
<hh:paraHead start="1" level="2" numFormat="CIRCLED_DIGIT">^1-^2</hh:paraHead></hh:numbering></hh:numberings>
<hh:bullets itemCnt="1"><hh:bullet id="1" char="●" useImage="0"/></hh:bullets>
<hh:paraProperties>{shapes}</hh:paraProperties>
<hh:styles>{styles}</hh:styles></hh:refList></hh:head>"""
_SHAPES = {
    "none": ("NONE", "0", 0),
    "outline1": ("OUTLINE", "0", 0),
    "outline2": ("OUTLINE", "0", 1),
    "outline3": ("OUTLINE", "0", 2),
    "article": ("NUMBER", "2", 0),
    "clause": ("NUMBER", "2", 1),
    "undefined": ("NUMBER", "9", 1),
    "bullet": ("BULLET", "1", 0),
}
STYLES = {
    "normal": ("바탕글", "Normal"),
    "outline": ("개요 1", "Outline 1"),
    "contents": ("차례 1", "TOC 1"),
    "heading": ("제목 2", ""),
    "title": ("제목", ""),
    "code": ("소스 코드", "Source Code"),
}


def _namespaces(base: str) -> str:
    return " ".join(f'xmlns:{short}="{base}/{name}"' for short, name in (("hh", "head"), ("hp", "paragraph"), ("hs", "section")))


def header(base: str = HANCOM) -> str:
    shape = '<hh:paraPr id="{}"><hh:align horizontal="LEFT"/><hh:heading type="{}" idRef="{}" level="{}"/></hh:paraPr>'
    style = '<hh:style id="{}" type="PARA" name="{}" engName="{}" paraPrIDRef="0" charPrIDRef="0"/>'
    return _HEADER.format(
        ns=_namespaces(base),
        shapes="".join(shape.format(name, *values) for name, values in _SHAPES.items()),
        styles="".join(style.format(name, *values) for name, values in STYLES.items()),
    )


def para(*runs: str, shape: str = "none", style: str = "normal") -> str:
    """A paragraph; a run that is no XML is text."""
    content = "".join(f'<hp:run charPrIDRef="0">{run if run.startswith("<") else said(run)}</hp:run>' for run in runs)
    lines = '<hp:linesegarray><hp:lineseg textpos="0" vertpos="0"/></hp:linesegarray>'
    return f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="{style}" pageBreak="0" merged="0">{content}{lines}</hp:p>'


def said(text: str) -> str:
    return f"<hp:t>{text}</hp:t>"


def sublist(*paras: str) -> str:
    return f'<hp:subList id="" textDirection="HORIZONTAL" vertAlign="TOP">{"".join(paras)}</hp:subList>'


def cell(content: str, columns: int = 1, rows: int = 1) -> str:
    inside = sublist(content if content.startswith("<") else para(content))
    place = f'<hp:cellAddr colAddr="0" rowAddr="0"/><hp:cellSpan colSpan="{columns}" rowSpan="{rows}"/>'
    return f'<hp:tc name="" header="0">{inside}{place}</hp:tc>'


def table(*rows: str, caption: str = "") -> str:
    content = "".join(f"<hp:tr>{row}</hp:tr>" for row in rows)
    return f'<hp:tbl id="1" numberingType="TABLE"><hp:sz width="1"/>{caption}{content}</hp:tbl>'


def section(*paras: str, base: str = HANCOM) -> str:
    start = '<hp:secPr id="" outlineShapeIDRef="1"><hp:footNotePr><hp:autoNumFormat type="DIGIT"/></hp:footNotePr></hp:secPr>'
    columns = '<hp:ctrl><hp:colPr id="" type="NEWSPAPER" colCount="1"/></hp:ctrl>'
    first = f'<hp:p id="0" paraPrIDRef="none" styleIDRef="normal"><hp:run charPrIDRef="0">{start}{columns}</hp:run></hp:p>'
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?><hs:sec {_namespaces(base)}>{first}{"".join(paras)}</hs:sec>'


def hwpx(path: Path, *paras: str, title: str = "", base: str = HANCOM, **parts: str | None) -> Path:
    """A document of one section. `parts`: others in place of the usual ones, by the name of their files; None leaves one out."""
    usual = {
        "Contents/header.xml": header(base),
        "Contents/section0.xml": section(*paras, base=base),
        "Contents/content.hpf": f'<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:metadata><opf:title>{title}</opf:title>'
        '<opf:meta name="creator" content="text">홍길동</opf:meta></opf:metadata></opf:package>',
        "META-INF/manifest.xml": '<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
    }
    return _package(path, "application/hwp+zip", usual | parts)


_OPEN = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        *((name, name) for name in ("office", "style", "text", "table", "presentation", "meta", "manifest")),
        *(("draw", "drawing"), ("svg", "svg-compatible")),
    )
)


def odt(path: Path, body: str, *, automatic: str = "", named: str = "", kind: str = "text", **parts: str | None) -> Path:
    """A document, or a spreadsheet or presentation as `kind` says; `automatic` and `named` are definitions of styles."""
    content = kind.removesuffix("-template")
    usual = {
        "content.xml": f"<office:document-content {_OPEN}><office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:{content}>{body}</office:{content}></office:body></office:document-content>",
        "styles.xml": f"<office:document-styles {_OPEN}><office:styles>{named}</office:styles></office:document-styles>",
        "meta.xml": f'<office:document-meta {_OPEN} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>제목</dc:title>'
        "</office:meta></office:document-meta>",
        "META-INF/manifest.xml": f"<manifest:manifest {_OPEN}/>",
    }
    return _package(path, f"application/vnd.oasis.opendocument.{kind}", usual | parts)


def encrypted(entry: str) -> str:
    """A manifest that names one encrypted part."""
    return (
        '<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<odf:file-entry full-path="{entry}" media-type="application/xml" size="41153"><odf:encryption-data checksum="x">'
        '<odf:algorithm algorithm-name="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/></odf:encryption-data></odf:file-entry></odf:manifest>'
    )


def _package(path: Path, mimetype: str, parts: dict[str, str | None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", mimetype, zipfile.ZIP_STORED)
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path
