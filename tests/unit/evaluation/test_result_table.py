"""Results of several measurements as one table."""

import json

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError, FormatError
from pavas_sdk.evaluation.result_table import merge_results
from pavas_sdk.evaluation.table_text import table_html, table_markdown


def folder_result(names="a" * 64, **models):
    return {
        "format": "pavas.evaluation.folder",
        "clips": {"count": 4, "names_sha256": names},
        "conventions": {
            "f1": {"title": "F1", "better": "higher", "convention": "mean over clips"},
            "level": {"title": "Level", "better": "lower", "convention": "dB"},
        },
        "models": {
            model: {
                "metrics": {
                    "f1": {"value": f1, "interval": [f1 - 0.1, f1 + 0.1]},
                    "level": {"value": level, "interval": None},
                }
            }
            for model, (f1, level) in models.items()
        },
    }


def list_result(**models):
    return {
        "format": "pavas.evaluation.vgg-impact",
        "list": {"digest": "d" * 64, "impacts": 30},
        "conventions": {
            "apcc_delta": {"title": "APCC-delta", "better": "lower", "convention": "mean"}
        },
        "models": {
            model: {"metrics": {"apcc_delta": {"value": value, "interval": None}}}
            for model, value in models.items()
        },
    }


SIMULATED = {
    "model": "some/folder/tiny",
    "physics": "true",
    "clips": 20,
    "seed": 7,
    "onset_hit_rate": 0.9,
    "apcc_delta": None,
    "intervals": {"onset_hit_rate": [0.8, 0.95], "apcc_delta": None},
}


def test_rows_are_models_and_columns_figures():
    table = merge_results(
        {
            "one": folder_result(ours=(0.8, 2.0), reference=(1.0, 0.0)),
            "two": folder_result(theirs=(0.7, 1.0)),
            "three": list_result(ours=0.3, theirs=0.5),
        }
    )
    lines = table_markdown(table).splitlines()
    assert lines[0] == "| | F1 ↑ | Level ↓ | APCC-delta ↓ |"
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| reference", "| ours", "| theirs"]
    assert lines[3] == "| ours | **0.800 (0.700 to 0.900)** | 2.000 | **0.300** |"
    assert lines[4] == "| theirs | 0.700 (0.600 to 0.800) | **1.000** | 0.500 |"
    assert "**" not in lines[2]
    assert "30 impacts of the list dddddddddddd" in table_markdown(table)


def test_the_page_says_the_same_and_asks_for_nothing():
    page = table_html(
        merge_results({"one": folder_result(**{"<b>x": (0.8, 2.0), "y": (0.5, 3.0)})}),
        title="A & B",
    )
    assert "&lt;b&gt;x" in page
    assert "A &amp; B" in page
    assert page.count('class="best"') == 2
    assert "<svg" in page
    assert "http" not in page


def test_simulated_results_are_rows_too():
    table = merge_results({"a": SIMULATED, "b": {**SIMULATED, "physics": "none"}})
    assert list(table.rows) == ["tiny, true physics", "tiny, none physics"]
    assert "20 simulated clips, seed 7" in table_markdown(table)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ConfigurationError, match="these cannot be compared"):
        merge_results({"a": folder_result(x=(1, 1)), "b": folder_result("b" * 64, y=(1, 1))})
    with pytest.raises(ConfigurationError, match="x has F1 twice"):
        merge_results({"a": folder_result(x=(1, 1)), "b": folder_result(x=(0.5, 1))})
    with pytest.raises(ConfigurationError, match="cannot be compared"):
        merge_results({"a": SIMULATED, "b": {**SIMULATED, "seed": 8}})
    for wrong in ({}, {"models": {}, "conventions": {"x": {}}, "clips": {}}):
        with pytest.raises(FormatError, match=r"b\.json is no"):
            merge_results({"b.json": wrong})


def test_the_command_writes_both_forms(tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(folder_result(ours=(0.8, 2.0))))
    assert run(["evaluate", "table", str(path)]) == 0
    assert capsys.readouterr().out.startswith("| | F1")
    for name in ("t.md", "t.html"):
        assert run(["evaluate", "table", str(path), "-o", str(tmp_path / name)]) == 0
        assert "0.800" in (tmp_path / name).read_text()
        assert run(["evaluate", "table", str(path), "-o", str(tmp_path / name)]) == 2
    assert run(["evaluate", "table", str(path), "-o", str(tmp_path / "t.txt")]) == 2
    assert ".md or .html" in capsys.readouterr().err


def with_differences(*pairs):
    models = sorted({name for first, second, _, _ in pairs for name in (first, second)})
    result = folder_result(**dict.fromkeys(models, (0.5, 1.0)))
    result["differences"] = [
        {
            "first": first,
            "second": second,
            "metrics": {"f1": {"value": value, "interval": [value - width, value + width]}},
        }
        for first, second, value, width in pairs
    ]
    return result


def test_differences_stand_below_with_their_own_intervals():
    result = with_differences(
        ("a|x", "b", 0.2, 0.1), ("a|x", "c", -0.1, 0.3), ("reference", "b", 0.4, 0.1)
    )
    text = table_markdown(merge_results({"r": result}))
    assert "| a\\|x less b | **+0.200 (+0.100 to +0.300)** |" in text
    assert "| a\\|x less c | -0.100 (-0.400 to +0.200) |" in text
    assert "reference less" not in text
    assert "Level" not in text[text.index("| difference") :]  # no difference of levels is known
    turned = table_markdown(merge_results({"r": result}).against("a|x"))
    assert "| b less a\\|x | **-0.200 (-0.300 to -0.100)** |" in turned
    assert "| c less a\\|x | +0.100 (-0.200 to +0.400) |" in turned
    page = table_html(merge_results({"r": result}))
    assert "<td>a|x less b</td>" in page
    with pytest.raises(ConfigurationError, match="they hold some to a"):
        merge_results({"r": result}).against("d")


def test_of_two_results_differences_are_one_row_whatever_their_order():
    first = with_differences(("a", "b", 0.2, 0.1))
    second = list_result(a=0.1, b=0.3)
    second["differences"] = [
        {
            "first": "b",
            "second": "a",
            "metrics": {"apcc_delta": {"value": 0.2, "interval": [-0.1, 0.4]}},
        }
    ]
    text = table_markdown(merge_results({"one": first, "two": second}))
    assert "| a less b | **+0.200 (+0.100 to +0.300)** | -0.200 (-0.400 to +0.100) |" in text


def test_too_many_differences_are_counted_and_one_model_s_are_asked_for(tmp_path, capsys):
    names = [f"m{index}" for index in range(6)]
    pairs = [(a, b, 0.1, 0.2) for index, a in enumerate(names) for b in names[index + 1 :]]
    (tmp_path / "r.json").write_text(json.dumps(with_differences(*pairs)))
    assert run(["evaluate", "table", str(tmp_path / "r.json")]) == 0
    out = capsys.readouterr().out
    assert "15 differences" in out
    assert "--against MODEL" in out
    assert run(["evaluate", "table", str(tmp_path / "r.json"), "--against", "m3"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if " less m3 |" in line][-1].startswith("| m5 less")
    assert out.count("less m3") == 5


def test_two_figures_of_one_title_are_told_apart():
    first = folder_result(a=(0.5, 1.0))
    second = list_result(a=0.1)
    second["conventions"]["apcc_delta"]["title"] = "F1"
    text = table_markdown(merge_results({"one": first, "two": second}))
    assert text.splitlines()[0] == "| | F1 ↑ | Level ↓ | F1, list ↓ |"


def test_no_difference_turned_round_is_zero_without_a_sign():
    text = table_markdown(merge_results({"r": with_differences(("a", "b", 0.0, 0.0))}).against("a"))
    assert "| b less a | +0.000 (+0.000 to +0.000) |" in text
