"""The message for a saved pipeline whose plugins are not there: everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from pavas_sdk.errors import MissingPluginError
from pavas_sdk.registry.failures import failure_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.registry.failures import PluginFailure

__all__ = ["MissingSlot", "missing_plugins_error", "version_range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSlot:
    """A slot of a saved pipeline that nothing installed can fill.

    Attributes:
        slot: Name of the slot, which is also the keyword that replaces it.
        name: Registered name of the component.
        distribution: Distribution that registered it when the pipeline was saved.
        version: Version of the distribution then.
        soft: Whether a given physics estimate makes the slot unnecessary.
    """

    slot: str
    name: str
    distribution: str
    version: str
    soft: bool = True


def version_range(distribution: str, version: str) -> str:
    """Return a requirement for compatible versions: "x>=0.3,<0.4" for 0.3.0, "x>=1.2,<2" for 1.2.1.

    Below 1.0 a minor version may break; from 1.0 only a major one does. An unreadable version
    gives the bare name.
    """
    try:
        parsed = Version(version)
    except InvalidVersion:
        return distribution
    upper = f"0.{parsed.minor + 1}" if parsed.major == 0 else str(parsed.major + 1)
    return f"{distribution}>={parsed.major}.{parsed.minor},<{upper}"


def missing_plugins_error(
    missing: Sequence[MissingSlot],
    *,
    failures: Sequence[PluginFailure] = (),
    path: str = "path",
    what: str = "this pipeline",
    replace_with: str = "PavasPipeline.from_pretrained({path}, {keywords})",
) -> MissingPluginError:
    """Return the error that names every missing plugin and what to do about it.

    Args:
        missing: The slots, at least one.
        failures: Plugins that are installed but failed; those of a wanted distribution are named.
        path: What the pipeline is loaded from, for the command to type.
        what: What needs them.
        replace_with: How to do without them; ``{path}`` and ``{keywords}`` are filled in.
    """
    distributions = list(dict.fromkeys(slot.distribution for slot in missing if slot.distribution))
    count = len(distributions) or len(missing)
    many = count != 1
    slot_width = max(len(slot.slot) for slot in missing)
    names = [f"{slot.distribution}/{slot.name}".lstrip("/") for slot in missing]
    name_width = max(len(name) for name in names)
    lines = [f"{what} needs {count} plugin{'s that are' if many else ' that is'} not installed:"]
    for slot, name in zip(missing, names, strict=True):
        lines.append(f"  {slot.slot:<{slot_width}}   {name:<{name_width}}{_origin(slot)}".rstrip())
    versions = {slot.distribution: slot.version for slot in missing}
    wanted = " ".join(f'"{version_range(name, versions[name])}"' for name in distributions)
    them = "them" if many else "it"
    if wanted:
        lines.append(f"Install {them}:   pip install {wanted}")
    keywords = ", ".join(f"{slot.slot}=..." for slot in missing)
    lines.append(f"Or replace {them}: {replace_with.format(path=path, keywords=keywords)}")
    if all(slot.soft for slot in missing):
        lines.append('Or generate from a saved estimate: pipe(video, physics="physics.json")')
    broken = [failure for failure in failures if failure.distribution in distributions]
    return MissingPluginError("\n".join(lines) + failure_lines(broken))


def _origin(slot: MissingSlot) -> str:
    if slot.distribution and not slot.version:
        return ""  # named by the user or by a preset, not by a saved pipeline
    saved = f"{slot.distribution} {slot.version}".strip() or "a class that is not registered"
    return f"   (saved with {saved})"
