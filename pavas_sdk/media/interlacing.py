"""One moment of an interlaced picture: the rows of the field that is shown first."""

from __future__ import annotations

from fractions import Fraction

import av
import av.error
import av.filter

__all__ = ["FirstFields"]


class FirstFields:
    """Takes the first field of interlaced frames, one by one.

    An interlaced picture shows two moments, one in its even rows and one in its odd rows: what moves
    has the edges of a comb. The field that is shown first is the picture at the frame's own time. It
    needs no other frame, so a window gives the same pixels however it was reached; and of 24
    pictures per second in 30 (telecine, two of five frames mixed of two) it leaves whole ones, of
    which one in five is a repetition.
    """

    def __init__(self) -> None:
        """The filter is made at the first frame, and again where the format changes."""
        self._graph: av.filter.Graph | None = None
        self._made_for: tuple[int, int, str] | None = None

    def of(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the first field, of half the height; a frame that is not interlaced as it is."""
        if not frame.interlaced_frame:
            return frame
        form = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._made_for != form:
            self._graph, self._made_for = _separating(frame), form
        self._graph.vpush(frame)
        field = frame
        while True:  # the second field of the frame before comes first
            try:
                field = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return field


def _separating(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 1000),  # times are not taken from here
    )
    graph.link_nodes(source, graph.add("separatefields"), graph.add("buffersink")).configure()
    return graph
