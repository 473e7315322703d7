"""Every golden of the folder is tested here."""

from goldens import FOLDER, read_index

TESTED = (
    "flow_",
    "sample_",
    "vae_",
    "mel_",
    "rope_time",
    "bigvgan_",
    "clip_",
    "preprocess",
    "synchformer_",
)
TESTED_TABLES = {"sequence_lengths", "sync_upsample_index", "frame_sampling", "tokens"}


def test_every_golden_has_a_kind_that_we_test():
    unknown = [g.name for g in read_index() if not g.name.startswith(TESTED)]
    assert unknown == []
    tables = {path.stem for path in FOLDER.glob("*.json")} - {"index"}
    assert tables <= TESTED_TABLES
