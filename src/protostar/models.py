"""Every feature's tables, gathered so that the metadata is complete wherever it is compared or migrated."""

from protostar.access import models as access
from protostar.answers import models as answers
from protostar.archive import models as archive
from protostar.db.base import Base
from protostar.documents import models as documents
from protostar.jobs import models as jobs
from protostar.knowledge import models as knowledge
from protostar.spaces import models as spaces
from protostar.webhooks import models as webhooks

__all__ = ["access", "answers", "archive", "documents", "jobs", "knowledge", "metadata", "spaces", "webhooks"]

metadata = Base.metadata
