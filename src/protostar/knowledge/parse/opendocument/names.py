"""Names of OpenDocument (ISO 26300) that more than one of its readers needs."""

CONTENT, METADATA, STYLES = "content.xml", "meta.xml", "styles.xml"

OFFICE, STYLE, TEXT, TABLE, DRAW, PRESENTATION, SVG = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}"
    for name in ("office", "style", "text", "table", "drawing", "presentation", "svg-compatible")
)
P, H = f"{TEXT}p", f"{TEXT}h"
ROW, CELL, COVERED, COLUMN = (f"{TABLE}{name}" for name in ("table-row", "table-cell", "covered-table-cell", "table-column"))
DISPLAY = f"{TEXT}display"
TEXT_STYLE = f"{TEXT}style-name"
VISIBILITY = f"{TABLE}visibility"
