"""Who owns the truth: the compiled engine, and a finished run played back."""

from twin.catalog import Catalog

ENGINES = Catalog(
    "engine",
    "engines",
    {
        "embedded": "twin.engines.embedded:Embedded",
        "replay": "twin.engines.replay:Replay",
    },
)
