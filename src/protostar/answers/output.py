"""An answer while it is being written: what is said goes to its draft and to its readers."""

import time
from dataclasses import dataclass, field

from protostar.answers.draft import Draft
from protostar.answers.events import Feed
from protostar.telemetry import Metrics


@dataclass(slots=True)
class Output:
    feed: Feed
    metrics: Metrics
    draft: Draft = field(default_factory=Draft)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return time.monotonic() - self.started

    def say(self, text: str) -> bool:
        """Whether this is the first that is said."""
        if not text:
            return False
        is_first = self.draft.first_token_ms is None
        if is_first:
            seconds = self.seconds
            self.draft.first_token_ms = round(seconds * 1000)
            self.metrics.first_token_seconds.observe(seconds)
        self.draft.text += text
        self.feed.publish("delta", {"text": text})
        return is_first

    def take_back(self) -> None:
        """The reader is told to begin anew."""
        self.feed.reset()
        self.draft.text = ""
