"""Networks that listen, for metrics: what a sound is, and whether it fits the picture in time.

Each takes sound as the public evaluation code gives it (see `prepare_sound`) and keeps the tensor
names of its released file. Names are public in `pavas_sdk.models`.
"""
