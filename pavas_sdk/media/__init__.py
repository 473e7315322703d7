"""Reading and writing video and audio files (PyAV)."""

from __future__ import annotations

from pavas_sdk.data.files import replacing
from pavas_sdk.media.audio_files import AudioReport, read_audio, write_audio
from pavas_sdk.media.container_choice import (
    ContainerChoice,
    choose_container,
    fitting_containers,
)
from pavas_sdk.media.encoding_anew import encode_with_sound
from pavas_sdk.media.memory_source import MemorySource
from pavas_sdk.media.muxing import MuxReport, mux
from pavas_sdk.media.picture import is_picture, open_picture
from pavas_sdk.media.resampling import resampled
from pavas_sdk.media.sources import VideoInput, as_source, open_video, read_video
from pavas_sdk.media.video_file import VideoFile
from pavas_sdk.media.video_forms import is_frame_list
from pavas_sdk.media.video_writer import write_source, write_video

__all__ = [
    "AudioReport",
    "ContainerChoice",
    "MemorySource",
    "MuxReport",
    "VideoFile",
    "VideoInput",
    "as_source",
    "choose_container",
    "encode_with_sound",
    "fitting_containers",
    "is_frame_list",
    "is_picture",
    "mux",
    "open_picture",
    "open_video",
    "read_audio",
    "read_video",
    "replacing",
    "resampled",
    "write_audio",
    "write_source",
    "write_video",
]
