"""Which of the backbone's places the adapter uses, as JSON-able descriptions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pavas_sdk.interfaces import ModulationSite

__all__ = ["SiteGroup", "chosen_sites", "group_sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGroup:
    """Sites of equal layout; their mixers run as one stacked product.

    Attributes:
        names: Site names, in the order of the stack.
        params: All modulation vectors of such a site, in order.
        used: Which of them get a delta.
        dim: Width of a vector.
        per_token: Whether deltas differ from latent to latent.
    """

    names: tuple[str, ...]
    params: tuple[str, ...]
    used: tuple[bool, ...]
    dim: int
    per_token: bool


def chosen_sites(
    sites: Iterable[ModulationSite], streams: Sequence[str], params: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the sites of the wanted streams that have a wanted parameter, as JSON values.

    Raises:
        ConfigurationError: None is left.
    """
    sites = tuple(sites)
    chosen = [
        {**asdict(site), "params": list(site.params)}
        for site in sites
        if site.stream in streams and any(_wanted(name, params) for name in site.params)
    ]
    if not chosen:
        raise ConfigurationError(
            f"no modulation site has streams {list(streams)} and params {list(params)}; the "
            f"backbone publishes {', '.join(site.name for site in sites) or 'none'}"
        )
    return chosen


def group_sites(sites: Sequence[Mapping[str, Any]], params: Sequence[str]) -> tuple[SiteGroup, ...]:
    """Group sites by layout, in order of first appearance.

    Args:
        sites: What `chosen_sites` returned.
        params: Kinds of vectors that get a delta: "shift", "scale", "gate", "condition".

    Raises:
        ConfigurationError: A name appears twice, or a site lacks a field.
    """
    grouped: dict[tuple[tuple[str, ...], int, bool], list[str]] = {}
    for site in sites:
        try:
            layout = (tuple(site["params"]), int(site["dim"]), bool(site["per_token"]))
            grouped.setdefault(layout, []).append(str(site["name"]))
        except KeyError as err:
            raise ConfigurationError(
                f"site {dict(site)} lacks {err}; build the adapter with "
                "PhyAdapter.for_transformer(transformer, patch_dim=...)"
            ) from err
    names = [name for group in grouped.values() for name in group]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"site names must be unique, got {names}")
    return tuple(
        SiteGroup(
            names=tuple(members),
            params=layout,
            used=tuple(_wanted(name, params) for name in layout),
            dim=dim,
            per_token=per_token,
        )
        for (layout, dim, per_token), members in grouped.items()
    )


def _wanted(name: str, params: Sequence[str]) -> bool:
    return name.split("_", maxsplit=1)[0] in params
