"""``pavas plugins check``: the contract suite on everything that plugins bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.cli.output import say, show_json
from pavas_sdk.cli.plugins import plugin_commands
from pavas_sdk.errors import ComponentNotFoundError
from pavas_sdk.testing import check_component, command_checks, heavy_imports, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pavas_sdk.registry import RegisteredComponent, Registry
    from pavas_sdk.registry.loading import PluginSource
    from pavas_sdk.testing import CheckResult

__all__ = ["check_all"]


def check_all(
    registry: Registry, names: Sequence[str], kind: str | None, *, limit_s: float, as_json: bool
) -> int:
    """Check components, commands and start-up; return the exit code.

    Args:
        registry: What is installed.
        names: Components or distributions; all when empty.
        kind: Only components of this kind, and no commands.
        limit_s: Seconds that each check may take.
        as_json: Print one JSON document.

    Raises:
        ComponentNotFoundError: A name means nothing.
    """
    talk: Callable[[str], None] = (lambda line: None) if as_json else say
    plugin_commands(registry)  # clashes of names become failures
    components = registry.components(kind)
    sources = () if kind else registry.plugins()
    _check_known(names, components, sources, kind)
    chosen = [entry for entry in components if not names or _is_meant(entry, names)]
    results: list[CheckResult] = []
    for entry in chosen:
        talk(f"{entry.kind} {entry.qualified_name}")
        results += _told(check_component(entry, limit_s=limit_s), talk)
    hooks = () if kind else registry.command_hooks()
    with_commands = [
        (source, hook) for source, hook in hooks if not names or source.distribution in names
    ]
    for source, hook in with_commands:
        talk(f"commands of {source.distribution}")
        checks = command_checks(hook)
        results += _told(run_checks(checks, component=source.distribution, limit_s=limit_s), talk)
    owners = {entry.distribution for entry in chosen} | {
        source.distribution for source, _ in with_commands
    }
    slow = [
        (source.distribution, heavy)
        for source in registry.plugins()
        if source.distribution in owners and source.entry_point is not None
        for heavy in heavy_imports(source.entry_point.value, limit_s=5 * limit_s)
    ]
    failed = [result for result in results if result.outcome == "failed"]
    failures = [
        failure
        for failure in registry.failures
        if not names or (failure.stage == "commands" and failure.distribution in names)
    ]
    if as_json:
        show_json(
            {
                "checks": [result.to_json() for result in results],
                "failures": [failure.to_json() for failure in failures],
                "warnings": [f"{owner}: {heavy}" for owner, heavy in slow],
            }
        )
    for owner, heavy in slow:
        talk(f"Warning: {owner}: {heavy}")
    for failure in failures:
        talk(f"Failed: {failure.summary}")
    talk(
        f"{len(chosen)} components, {len(with_commands)} plugins with commands, {len(results)} "
        f"checks, {len(failed)} failed"
    )
    return 1 if failed or failures else 0


def _told(results: Iterable[CheckResult], talk: Callable[[str], None]) -> list[CheckResult]:
    """The results, each said as it comes."""
    marks = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}
    told = []
    for result in results:
        told.append(result)
        why = f": {result.message}" if result.message else ""
        talk(f"  {marks[result.outcome]:<8}{result.check}{why}")
    return told


def _is_meant(entry: RegisteredComponent, names: Sequence[str]) -> bool:
    return bool({entry.name, entry.qualified_name, entry.distribution} & set(names))


def _check_known(
    names: Sequence[str],
    components: Sequence[RegisteredComponent],
    sources: Sequence[PluginSource],
    kind: str | None,
) -> None:
    plugins = {source.distribution for source in sources}
    for name in names:
        if name not in plugins and not any(_is_meant(entry, [name]) for entry in components):
            # a plugin that has components is known by them
            others = plugins - {entry.distribution for entry in components}
            known = sorted({entry.qualified_name for entry in components} | others)
            raise ComponentNotFoundError(
                f"no {kind or 'component'} is named {name!r}; there are {', '.join(known)}. A plugin "
                "is known once it is installed: pip install -e FOLDER"
            )
