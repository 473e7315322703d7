"""A frame source seen whole or in part: windows, views, and what it knows beside its frames."""
