from pavas_sdk.models.weight_differences import weight_differences


def test_every_difference_has_a_line_and_the_same_has_none():
    expected = {"a": (1, 2), "b": (3,), "c": ()}
    assert weight_differences(expected, {"c": [], "b": [3], "a": [1, 2]}) == []
    assert weight_differences(expected, {"a": (2, 1), "b": (3,), "x": (4,)}) == [
        "missing: c []",
        "unexpected: x [4]",
        "shape: a is [2, 1], expected [1, 2]",
    ]
