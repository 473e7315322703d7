"""Settings that all tests share."""

import os

import hypothesis

hypothesis.settings.register_profile(
    "default",
    deadline=None,  # a busy machine is no failure
    derandomize=True,
    max_examples=40,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
