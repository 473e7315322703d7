"""An estimate as a plot: the speed of every object over time, with its impacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pavas_sdk.data.impact import Impact
    from pavas_sdk.data.object_physics import ObjectPhysics

__all__ = ["new_figure", "plot_speeds"]


def new_figure(height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of 10 inches by ``height`` with rows that share the time axis.

    It belongs to no global state of matplotlib: nothing is shown twice, nothing need be closed.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as err:
        raise ConfigurationError('a plot needs matplotlib: pip install "pavas-sdk[plot]"') from err
    figure = Figure(figsize=(10.0, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)
    return figure, [row[0] for row in axes]


def plot_speeds(
    axes: Axes, objects: Sequence[ObjectPhysics], impacts: Sequence[Impact], duration_s: float
) -> None:
    """Draw speeds in m/s, a line per object, and a dashed line at each impact."""
    for index, entry in enumerate(objects):
        colour = f"C{index % 10}"
        mass = "mass unknown" if entry.mass_kg is None else f"{entry.mass_kg:.3g} kg"
        # a dollar sign would begin a formula
        label = f"{entry.object_id}  {entry.object.short_label}, {mass}".replace("$", r"\$")
        axes.plot(entry.speed_times_s, entry.speed_m_s, color=colour, label=label)
        for hit in impacts:
            if hit.object_id == entry.object_id:
                axes.axvline(hit.time_s, color=colour, linestyle="--", linewidth=0.8)
    axes.set_xlim(0.0, duration_s)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("speed (m/s)")
    axes.set_xlabel("time (s)")
    if objects:
        axes.legend(loc="upper right", fontsize="small")
    else:
        axes.set_title("no moving object", fontsize="medium")
