"""Nobody adds a column that an archive then silently leaves behind."""

import pytest
from pydantic import BaseModel

from protostar.archive.schemas import (
    LEFT_BEHIND,
    ArchivedAnswer,
    ArchivedCorrection,
    ArchivedDocument,
    ArchivedSpace,
    ArchivedVersion,
    ReliedOn,
)
from protostar.models import metadata

TABLES = {
    "spaces": ArchivedSpace,
    "documents": ArchivedDocument,
    "document_versions": ArchivedVersion,
    "answers": ArchivedAnswer,
    "corrections": ArchivedCorrection,
    "correction_documents": ReliedOn,
    "conversations": None,
}


@pytest.mark.parametrize(("table", "schema"), TABLES.items(), ids=TABLES)
def test_each_column_is_carried_or_left_behind_on_purpose(table: str, schema: type[BaseModel] | None) -> None:
    columns = {column.name for column in metadata.tables[table].columns}
    if schema is None:  # they are told by their answers: conversation_id, conversation_created_at and visitor_id
        assert columns == {"id", "space_id", "created_at", "visitor_id"}
        return
    extra = {"versions", "conversation_created_at", "visitor_id", "correction", "documents"}
    assert set(schema.model_fields) - extra == columns - LEFT_BEHIND[table]
