"""The README's Python runs, and its table of settings is complete."""

import dataclasses
import re
from pathlib import Path

from pavas_cut3r import Cut3RConfig

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_python_of_the_readme_runs(capsys):
    (source,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    exec(compile(source, "README.md", "exec"), {})
    assert "torch.Size([1, 48, 64, 3])" in capsys.readouterr().out


def test_every_setting_is_in_the_table():
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert listed == [field.name for field in dataclasses.fields(Cut3RConfig)]
