"""Registry: which components there are, and what a name means.

One object, one process default (`default_registry`). Plugins are loaded on the first question.
A plugin that fails is kept as a `PluginFailure` and named when something cannot be found;
``PAVAS_STRICT_PLUGINS=1`` raises instead.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pluggy

from pavas_sdk import __version__
from pavas_sdk.errors import ConfigurationError, ContractError, PluginLoadError
from pavas_sdk.registry import builtin, hookspecs
from pavas_sdk.registry.defaults import DEFAULTS
from pavas_sdk.registry.failures import PluginFailure, Stage
from pavas_sdk.registry.loading import (
    DEFAULT_LIMIT_S,
    PluginRaisedError,
    PluginSource,
    call_plugin,
    find_plugins,
    normalised,
    time_limit_s,
)
from pavas_sdk.registry.names import resolve
from pavas_sdk.registry.registered import INTERFACES, RegisteredComponent
from pavas_sdk.registry.spec import API_VERSION, KINDS, ComponentSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import click

__all__ = ["Registry", "default_registry"]

_log = logging.getLogger(__name__)
_MOST_COMPONENTS = 100_000  # of one plugin


class Registry:
    """The components of all plugins.

    Args:
        entry_points: Whether to load installed plugins; without, only what `register_plugin` adds.
        environ: Where ``PAVAS_PLUGINS``, ``PAVAS_STRICT_PLUGINS`` and ``PAVAS_PLUGIN_TIMEOUT_S``
            are read; the process environment by default.
        defaults: Qualified name of the default component per kind.
    """

    def __init__(
        self,
        *,
        entry_points: bool = True,
        environ: Mapping[str, str] | None = None,
        defaults: Mapping[str, str] = DEFAULTS,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._entry_points = entry_points
        self._defaults = dict(defaults)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._components: dict[str, tuple[RegisteredComponent, ...]] = {}
        self._sources: dict[str, PluginSource] = {}
        self._failures: list[PluginFailure] = []
        self._overrides: list[RegisteredComponent] = []
        self._limit_s = DEFAULT_LIMIT_S
        self._loaded = False
        self._lock = threading.RLock()

    # -- questions ---------------------------------------------------------------------------

    def components(self, kind: str | None = None) -> tuple[RegisteredComponent, ...]:
        """Return what is registered, of one kind or of all, sorted by kind and name.

        Raises:
            ConfigurationError: There is no such kind.
        """
        if kind is not None:
            _check_kind(kind)
        self.load()
        entries = [entry for group in self._components.values() for entry in group]
        return tuple(
            sorted(
                (entry for entry in entries if kind is None or entry.kind == kind),
                key=lambda entry: (KINDS.index(entry.kind), entry.qualified_name),
            )
        )

    def plugins(self) -> tuple[PluginSource, ...]:
        """Return the plugins that loaded."""
        self.load()
        return tuple(self._sources.values())

    @property
    def failures(self) -> tuple[PluginFailure, ...]:
        """The plugins that did not load, or failed later."""
        self.load()
        return tuple(self._failures)

    def get(self, kind: str, name: str | None = None) -> RegisteredComponent:
        """Return the component that a name means.

        Args:
            kind: One of `KINDS`.
            name: ``name`` if it is unique for the kind, ``distribution/name``, or None for the
                slot's default.

        Raises:
            ComponentNotFoundError: Nothing has this name; the message guesses what was meant and
                names the plugins that failed.
            AmbiguousComponentError: Several distributions have it.
            ConfigurationError: There is no such kind, or the kind has no default and none is named.
        """
        _check_kind(kind)
        for entry in reversed(self._overrides):
            if entry.kind == kind and name in (None, entry.name):
                return entry
        if name is None and kind not in self._defaults:
            raise ConfigurationError(f"no {kind} is the default: name the one that is wanted")
        wanted = self._defaults[kind] if name is None else name
        return resolve(
            kind,
            wanted,
            self.components(),
            self.failures,
            restricted_to=self._environ.get("PAVAS_PLUGINS"),
        )

    def create(self, kind: str, name: str | None = None, **config: Any) -> Any:
        """Return a new object of the component that ``name`` means (see `get`).

        Args:
            kind: One of `KINDS`.
            name: See `get`.
            **config: Fields of its config.

        Raises:
            ComponentError: Not found, ambiguous, cannot be imported, breaks its contract, or
                its constructor raised.
            ConfigurationError: An option is unknown.
        """
        return self.get(kind, name).create(**config)

    # -- changing ----------------------------------------------------------------------------

    @contextmanager
    def override(self, component: ComponentSpec | Any) -> Iterator[RegisteredComponent]:
        """Within the ``with``, let a component be its kind's default and own its bare name.

        Args:
            component: A spec, or an object of one of the interfaces.

        Raises:
            ContractError: An object that implements none of the interfaces.

        Example:
            >>> with default_registry().override(my_mass_estimator):
            ...     pipe("clip.mp4")
        """
        if isinstance(component, ComponentSpec):
            entry = RegisteredComponent(
                spec=component, distribution="override", version="", licence=component.licence
            )
        else:
            entry = _entry_of_object(component)
        self._overrides.append(entry)
        try:
            yield entry
        finally:
            # by identity: two objects of one class make equal entries
            self._overrides = [other for other in self._overrides if other is not entry]

    def register_plugin(
        self, plugin: Any, *, name: str | None = None, distribution: str = "", version: str = ""
    ) -> str:
        """Add a plugin that is already an object (a module, or an object with hook methods).

        Args:
            plugin: The module or object.
            name: Name for listings; the module's name by default.
            distribution: Stands in front of its components' names; the plugin's name by default.
            version: For listings.

        Returns:
            The name, for `unregister_plugin`.

        Raises:
            PluginLoadError: Its hooks raise, do not exist, or return something else.
        """
        self.load()
        label = str(name or getattr(plugin, "__name__", type(plugin).__name__))
        source = PluginSource(
            name=label, distribution=normalised(distribution or label), version=version
        )
        with self._lock:
            failure = self._admit(source, plugin)
        if failure is not None:
            raise PluginLoadError(failure.summary) from failure.error
        return label

    def unregister_plugin(self, name: str) -> None:
        """Forget a plugin and its components.

        Raises:
            ConfigurationError: No plugin of this name is registered.
        """
        with self._lock:
            if name not in self._sources:
                known = ", ".join(self._sources) or "none"
                raise ConfigurationError(f"no plugin {name!r} is registered; there are {known}")
            self._manager.unregister(name=name)
            del self._sources[name]
            self._components.pop(name, None)

    def command_hooks(self) -> tuple[tuple[PluginSource, Callable[..., object]], ...]:
        """Return each plugin that adds commands, with the function that adds them to ``cli``."""
        self.load()
        return tuple(
            (self._sources[implementation.plugin_name], implementation.function)
            for implementation in self._manager.hook.pavas_register_commands.get_hookimpls()
        )

    def add_commands(
        self, cli: click.Group, *, reserved: Collection[str] = ()
    ) -> dict[str, PluginSource]:
        """Let every plugin add its commands to ``cli``; failures are kept, never raised.

        A plugin that raises adds nothing. A command whose name exists is left out and kept as a
        failure; the others of its plugin are added.

        Args:
            cli: The group to add to.
            reserved: Further names that are taken.

        Returns:
            The plugin of each command that was added.
        """
        import click

        self.load()
        self._failures = [failure for failure in self._failures if failure.stage != "commands"]
        added: dict[str, PluginSource] = {}
        owners = dict.fromkeys((*cli.commands, *reserved), "pavas itself")
        for implementation in self._manager.hook.pavas_register_commands.get_hookimpls():
            source = self._sources[implementation.plugin_name]
            scratch = click.Group(name=cli.name)
            arguments = {"cli": scratch}
            call = partial(
                implementation.function, **{key: arguments[key] for key in implementation.argnames}
            )
            try:
                call_plugin(call, self._limit_s, f"plugin {source.name}")
            # The plugin boundary: a failing plugin never breaks the command line.
            except Exception as err:  # noqa: BLE001
                self._fail(source, "commands", err)
                continue
            for name, command in scratch.commands.items():
                if name in owners:
                    reason = (
                        f"the command {name} exists already, of {owners[name]}; it was left out"
                    )
                    self._fail(source, "commands", ConfigurationError(reason))
                    continue
                owners[name], added[name] = source.distribution, source
                cli.add_command(command, name)
        return added

    # -- loading -----------------------------------------------------------------------------

    def load(self) -> None:
        """Load the installed plugins, once; further calls do nothing.

        Raises:
            PluginLoadError: A plugin failed and ``PAVAS_STRICT_PLUGINS`` is set.
            ConfigurationError: ``PAVAS_PLUGIN_TIMEOUT_S`` is no number above 0.
        """
        with self._lock:
            if self._loaded:
                return
            self._limit_s = time_limit_s(self._environ)
            self._loaded = True
            core = PluginSource(
                name="pavas-sdk",
                distribution="pavas-sdk",
                version=__version__,
                licence="Apache-2.0",
            )
            self._admit(core, builtin)
            if not self._entry_points:
                return
            sources, unknown = find_plugins(self._environ)
            for name in unknown:
                missing = PluginSource(name=name, distribution="")
                reason = f"PAVAS_PLUGINS names {name!r}, which nothing installed provides"
                self._fail(missing, "find", PluginLoadError(reason))
            for source in sources:
                self._load_one(source)

    def _load_one(self, source: PluginSource) -> None:
        assert source.entry_point is not None
        try:
            plugin = call_plugin(source.entry_point.load, self._limit_s, f"plugin {source.name}")
        # The plugin boundary: an import may raise anything.
        except Exception as err:  # noqa: BLE001
            self._fail(source, "import", err)
            return
        self._admit(source, plugin)

    def _admit(self, source: PluginSource, plugin: Any) -> PluginFailure | None:
        """Register one plugin and take its components: all of them or none."""
        if source.name in self._sources:
            other = self._sources[source.name].distribution
            error = PluginLoadError(f"{other} has a plugin of the same name")
            return self._fail(source, "register", error)
        try:
            self._manager.register(plugin, name=source.name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as err:
            if self._manager.has_plugin(source.name):
                self._manager.unregister(name=source.name)
            return self._fail(source, "register", err)
        try:
            specs = call_plugin(
                lambda: self._specs_of(plugin), self._limit_s, f"plugin {source.name}"
            )
            self._check_specs(source, specs)
        # The plugin boundary: a hook may raise anything.
        except Exception as err:  # noqa: BLE001
            self._manager.unregister(name=source.name)
            return self._fail(source, "components", err)
        self._sources[source.name] = source
        self._components[source.name] = tuple(
            RegisteredComponent(
                spec=spec,
                distribution=source.distribution,
                version=source.version,
                licence=spec.licence or source.licence,
            )
            for spec in specs
        )
        return None

    def _specs_of(self, plugin: Any) -> list[Any]:
        """Call the plugin's own implementations: one that raises aborts a whole pluggy call."""
        specs: list[Any] = []
        for implementation in self._manager.hook.pavas_register_components.get_hookimpls():
            if implementation.plugin is plugin:
                answer: Any = implementation.function()
                # one by one: an answer without an end would hold the interpreter and fill the memory
                for spec in answer:
                    if not isinstance(spec, ComponentSpec):
                        raise ContractError(
                            "pavas_register_components must return ComponentSpec objects, got "
                            f"{type(spec).__name__}"
                        )
                    if len(specs) == _MOST_COMPONENTS:
                        raise ContractError(
                            f"pavas_register_components returned more than {_MOST_COMPONENTS} "
                            "components: does it end?"
                        )
                    specs.append(spec)
        return specs

    def _check_specs(self, source: PluginSource, specs: list[Any]) -> None:
        taken = {
            (entry.kind, entry.name)
            for group in self._components.values()
            for entry in group
            if entry.distribution == source.distribution
        }
        for spec in specs:
            if not 1 <= spec.api_version <= API_VERSION:
                raise ContractError(
                    f"{spec.kind} {spec.name} needs api_version {spec.api_version}; this pavas-sdk "
                    f"({__version__}) offers {API_VERSION}: pip install -U pavas-sdk"
                )
            if (spec.kind, spec.name) in taken:
                raise ContractError(
                    f"{source.distribution} registers {spec.kind} {spec.name} twice"
                )
            taken.add((spec.kind, spec.name))

    def _fail(self, source: PluginSource, stage: Stage, error: BaseException) -> PluginFailure:
        error = error.error if isinstance(error, PluginRaisedError) else error
        failure = PluginFailure(
            plugin=source.name,
            distribution=source.distribution,
            version=source.version,
            stage=stage,
            error=error,
        )
        if self._environ.get("PAVAS_STRICT_PLUGINS", "") not in ("", "0"):
            raise PluginLoadError(failure.summary) from error
        _log.debug("plugin failed: %s", failure.summary)
        self._failures.append(failure)
        return failure


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigurationError(f"there is no kind {kind!r}; kinds are {', '.join(KINDS)}")


def _entry_of_object(component: Any) -> RegisteredComponent:
    for kind, interface in INTERFACES.items():
        if isinstance(component, interface):
            cls = type(component)
            spec = ComponentSpec(kind, cls.__name__.lstrip("_"), f"{cls.__module__}:{cls.__name__}")
            return RegisteredComponent(
                spec=spec, distribution="override", version="", licence="", instance=component
            )
    raise ContractError(
        f"{type(component).__name__} implements none of the interfaces: "
        f"{', '.join(cls.__name__ for cls in INTERFACES.values())}"
    )


@cache
def default_registry() -> Registry:
    """Return the registry of this process."""
    return Registry()
