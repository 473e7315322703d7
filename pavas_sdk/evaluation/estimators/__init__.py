"""Physics estimators against truth: on simulated clips, and masses against lists of things."""
