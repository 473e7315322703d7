"""Every error that pavas_sdk raises on purpose.

```
PavasError
├── InputError (ValueError)            what the user gave cannot be used
│   ├── MediaError                     a video or audio file
│   │   ├── MediaNotFoundError (FileNotFoundError)
│   │   └── DamagedMediaError
│   ├── PhysicsInputError              masses, speeds, object ids
│   ├── FormatError                    a JSON document of ours: malformed or newer than we read
│   └── ConfigurationError             an option or a combination of options
├── OutputError (OSError)              a result cannot be written
│   └── OutputExistsError (FileExistsError)
├── ComponentError                     a plugin's component
│   ├── ComponentNotFoundError (LookupError)
│   ├── AmbiguousComponentError (LookupError)
│   ├── MissingPluginError (ImportError)
│   ├── PluginLoadError (ImportError)
│   ├── ContractError                  a component returned what its interface forbids
│   ├── ComponentFailedError (RuntimeError)
│   └── LicenceError
└── WeightsError                       weights are missing, mis-shaped or of another variant
    └── MissingWeightsError (FileNotFoundError)    they are not on this machine
```

A message says what happened (with the values), what was expected, and what to type.
Each class also inherits the built-in type that a generic handler would look for.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousComponentError",
    "ComponentError",
    "ComponentFailedError",
    "ComponentNotFoundError",
    "ConfigurationError",
    "ContractError",
    "DamagedMediaError",
    "FormatError",
    "InputError",
    "LicenceError",
    "MediaError",
    "MediaNotFoundError",
    "MissingPluginError",
    "MissingWeightsError",
    "OutputError",
    "OutputExistsError",
    "PavasError",
    "PavasWarning",
    "PhysicsInputError",
    "PluginLoadError",
    "WeightsError",
]


class PavasError(Exception):
    """Base of every deliberate error."""


class InputError(PavasError, ValueError):
    """What the user gave cannot be used."""


class MediaError(InputError):
    """A video or audio file cannot be used."""


class MediaNotFoundError(MediaError, FileNotFoundError):
    """There is no such file."""


class DamagedMediaError(MediaError):
    """A file is so damaged that nothing could be decoded."""


class PhysicsInputError(InputError):
    """A mass, speed or object id is impossible or does not fit the clip."""


class FormatError(InputError):
    """A document of ours is malformed, or newer than this version reads."""


class ConfigurationError(InputError):
    """An option, or a combination of options, cannot work."""


class OutputError(PavasError, OSError):
    """A result cannot be written."""


class OutputExistsError(OutputError, FileExistsError):
    """The output exists and overwriting was not asked for."""


class ComponentError(PavasError):
    """Something about a plugin's component.

    Attributes:
        partial: What was known when the component failed (a `PhysicsResult` from the physics
            estimator), or None.
        slot: The slot that it filled, or None.
        component: Its name (``distribution/name`` when a plugin registers it), or None.
        object_ids: The objects it was asked about.
    """

    partial: object | None = None
    slot: str | None = None
    component: str | None = None
    object_ids: tuple[int, ...] = ()


class ComponentNotFoundError(ComponentError, LookupError):
    """No registered component has this name."""


class AmbiguousComponentError(ComponentError, LookupError):
    """Several distributions register this name for the same kind."""


class MissingPluginError(ComponentError, ImportError):
    """A saved pipeline needs plugins that are not installed."""


class PluginLoadError(ComponentError, ImportError):
    """A plugin failed to import or to register."""


class ContractError(ComponentError):
    """A component returned what its interface forbids."""


class ComponentFailedError(ComponentError, RuntimeError):
    """A component raised, or did not answer in time."""


class LicenceError(ComponentError):
    """A component's licence forbids the declared use."""


class WeightsError(PavasError):
    """Weights are missing, mis-shaped, damaged or of another variant."""


class MissingWeightsError(WeightsError, FileNotFoundError):
    """Weights are not on this machine and could not be fetched."""


class PavasWarning(UserWarning):
    """Something about the result should be known."""
