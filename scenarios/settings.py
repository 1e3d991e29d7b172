"""Settings: the Hydra groups of `conf/`, the `key=value` overrides of the command line, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from twin.clock import NS_PER_S, to_ns
from twin.errors import InputError, UnknownName

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUPS = ("driver", "engine", "report", "rig", "suite", "sweep")

_MOST_SUBSTEPS = 10_000
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ns|us|ms|s|min|h)\s*")
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(B|kB|MB|GB)\s*")
_BYTES = {"B": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_PLAIN = re.compile(r"null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def _nanoseconds(value: object) -> object:
    if value is None or isinstance(value, int):
        return value
    match = _DURATION.fullmatch(str(value))
    if not match:
        raise ValueError("expected a duration such as 50 ms, 1.5 s or 10 min")
    return to_ns(match[1], match[2])


def _workers(value: object) -> object:
    if value == "auto" or (str(value).isdecimal() and 0 <= int(str(value)) <= 4096):
        return value if value == "auto" else int(str(value))
    raise ValueError("expected auto or a number from 0 (in this process) to 4096")


def _bytes(value: object) -> object:
    if isinstance(value, int):
        return value
    match = _SIZE.fullmatch(str(value))
    if not match:
        raise ValueError("expected a size such as 200 MB")
    return int(float(match[1]) * _BYTES[match[2]])


Duration = Annotated[int, BeforeValidator(_nanoseconds), Field(gt=0)]
Workers = Annotated[int | str, BeforeValidator(_workers)]
Size = Annotated[int, BeforeValidator(_bytes), Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class EngineSettings(_Part):
    """Which engine, its decision step and its longest physics step [ns], and how long a run may take [ns of wall]."""

    name: str = "embedded"
    step: Duration = 50_000_000
    substep: Duration = 5_000_000
    run_budget: Duration = 600 * NS_PER_S


class DriverSettings(_Part):
    """Who drives instead of the driver that the scenario names (None: as written), and the budgets of a call [ns]."""

    name: str | None = None
    parameters: dict[str, Any] = {}
    step_budget: Duration = 5 * NS_PER_S
    start_budget: Duration = 30 * NS_PER_S


class RecordSettings(_Part):
    """How many records a sweep keeps, and how many bytes all of them may take."""

    count: int = Field(default=24, ge=0)
    size: Size = 200_000_000


class RaySettings(_Part):
    """Where Ray runs: None starts it on this machine."""

    address: str | None = None


class ReportSettings(_Part):
    """What a sweep writes when it is done, and how many replays the page holds."""

    page: bool = True
    junit: bool = True
    replays: int = Field(default=24, ge=0)


class SuiteSettings(_Part):
    """How much of a suite runs: a factor on its samples, and a limit on its wall time [ns]."""

    scale: float = Field(default=1.0, gt=0.0, le=1000.0, allow_inf_nan=False)
    budget: Duration | None = None


class Settings(_Part):
    """Everything that can be set from outside a scenario. Durations are nanoseconds, sizes bytes."""

    map: str | None = Field(default=None, min_length=1)
    seed: int = Field(default=1, ge=0, lt=2**63)
    engine: EngineSettings = EngineSettings()
    driver: DriverSettings = DriverSettings()
    rig: str | None = None
    sampler: Literal["grid", "random", "lhs", "sobol", "nominal"] | None = None
    samples: int | None = Field(default=None, ge=1, le=100_000_000)
    workers: Workers = "auto"
    record: Literal["none", "interesting", "all"] = "interesting"
    records: RecordSettings = RecordSettings()
    batch: Duration = NS_PER_S
    tries: int = Field(default=3, ge=1, le=100)
    ray: RaySettings = RaySettings()
    report: ReportSettings = ReportSettings()
    suite: SuiteSettings = SuiteSettings()

    def anchored(self, folder: Path) -> Settings:
        """Return the settings with the files that they name by whole paths, so that they hold in any folder."""
        named = {"map": self.map, "rig": self.rig}
        whole = {
            key: str((folder / name).resolve()) for key, name in named.items() if name and (folder / name).is_file()
        }
        return self.model_copy(update=whole)

    @property
    def step_ns(self) -> int:
        return self.engine.step

    @property
    def substeps(self) -> int:
        """Physics steps a tick: as few as divide it wholly and are at most `engine.substep` long.

        Raises InputError when there is no such division.
        """
        fewest = -(-self.engine.step // self.engine.substep)
        for count in range(fewest, min(2 * fewest, _MOST_SUBSTEPS) + 1):
            if self.engine.step % count == 0:
                return count
        raise InputError(
            f"engine.step ({self.engine.step} ns) cannot be divided into whole physics steps of at most "
            f"engine.substep ({self.engine.substep} ns); take a step that is a multiple of the substep"
        )


def compose(overrides: Sequence[str] = (), conf: Path = CONF) -> Settings:
    """Return what `conf` and the overrides add up to.

    Raises InputError: a wrong key lists the keys that exist, a wrong option the options of its group.
    """
    if not (conf / "config.yaml").is_file():
        raise InputError(f"the settings are missing: no file '{conf / 'config.yaml'}'; reinstall the package")
    rig, words = _translate(overrides, conf)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_dir=str(conf), version_base="1.3"):
            composed = OmegaConf.to_container(hydra_compose("config", words), resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(f"the settings {' '.join(overrides)} cannot be composed: {error}") from error
    finally:
        GlobalHydra.instance().clear()
    assert isinstance(composed, dict)
    return _validated({**composed, "rig": rig})


def options(group: str, conf: Path = CONF) -> list[str]:
    """Return the names of one group."""
    return sorted(path.stem for path in (conf / group).glob("*.yaml"))


def keys() -> list[str]:
    """Return every key that an override may set."""
    return sorted(_dotted(Settings, ""))


def _dotted(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            if prefix + name in GROUPS:
                yield prefix + name
            yield from _dotted(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name
    if not prefix:
        yield "sweep"


def _translate(overrides: Sequence[str], conf: Path) -> tuple[str | None, list[str]]:
    """Return the rig that was asked for and the other overrides in Hydra's grammar, values quoted."""
    rig: str | None = None
    words: list[str] = []
    known = keys()
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"'{text}' is not a setting; write key=value, for example samples=200")
        if re.fullmatch(r"driver\.parameters\.[A-Za-z_]\w*", key):
            words.append(f"++{key}={value if _PLAIN.fullmatch(value) else _quoted(value)}")
        elif key not in known:
            raise UnknownName("setting", key, known)
        elif key == "rig":
            rig = value
        elif key in GROUPS and value in options(key, conf):
            words.append(f"{key}={value}")
        elif key == "driver":
            words.append(f"driver.name={_quoted(value)}")
        elif key in GROUPS:
            raise UnknownName(key, value, options(key, conf))
        else:
            words.append(f"{key}={_quoted(value)}")
    return rig, words


def _quoted(value: str) -> str:
    if value == "null":
        return value
    literal = re.sub(r"\\*(?=\$\{)", lambda m: m[0] * 2 + "\\", value)
    escaped = re.sub(r"\\+(?='|$)", lambda m: m[0] * 2, literal).replace("'", "\\'")
    return f"'{escaped}'"


def _validated(composed: dict[Any, Any]) -> Settings:
    try:
        return Settings.model_validate(composed)
    except ValidationError as error:
        raise InputError("\n".join(_reworded(one) for one in error.errors())) from error


def _reworded(error: Any) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return str(UnknownName("setting", key, keys()))
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"setting '{key}': {message}, got '{error['input']}'"
