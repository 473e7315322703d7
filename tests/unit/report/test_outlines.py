"""Outlines follow the mask's edge."""

import numpy as np
import pytest

from pavas_sdk.report.outlines import outline

HEIGHT, WIDTH = 60, 90


def disc(row, column, radius):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def filled(polygons):
    """Pixels whose middle lies inside an odd number of polygons."""
    y, x = (np.mgrid[:HEIGHT, :WIDTH] + 0.5) / np.array([HEIGHT, WIDTH])[:, None, None]
    inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for ring in polygons:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            crosses = (y0 > y) != (y1 > y)
            with np.errstate(divide="ignore", invalid="ignore"):
                inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def overlap(mask, polygons):
    shape = filled(polygons)
    return (mask & shape).sum() / (mask | shape).sum()


@pytest.mark.parametrize("radius", [3, 8, 25])
def test_a_disc(radius):
    mask = disc(30, 40, radius)
    (ring,) = outline(mask)
    assert overlap(mask, [ring]) > (0.8 if radius == 3 else 0.95)
    assert len(ring) < 60
    middle = ring.mean(axis=0) * [WIDTH, HEIGHT]
    np.testing.assert_allclose(middle, [40.5, 30.5], atol=0.6)


def test_parts_and_holes():
    two = disc(20, 20, 8) | disc(40, 70, 10)
    assert len(outline(two)) == 2
    assert overlap(two, outline(two)) > 0.9
    ring = disc(30, 45, 20) & ~disc(30, 45, 10)
    assert len(outline(ring)) == 2
    assert overlap(ring, outline(ring)) > 0.93


def test_at_the_border():
    whole = np.ones((HEIGHT, WIDTH), dtype=bool)
    (ring,) = outline(whole)
    assert overlap(whole, [ring]) > 0.98
    assert ring.min() >= 0
    assert ring.max() <= 1
    corner = disc(0, 0, 20)
    assert overlap(corner, outline(corner)) > 0.9


def test_corners_that_touch():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:20, 10:20] = mask[20:30, 20:30] = True
    assert overlap(mask, outline(mask)) > 0.9


def test_almost_nothing():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    assert outline(mask) == []
    mask[5, 7] = True
    (ring,) = outline(mask)
    np.testing.assert_allclose(ring.mean(axis=0) * [WIDTH, HEIGHT], [7.5, 5.5], atol=0.01)


def test_random_masks_close():
    rng = np.random.default_rng(3)
    for _ in range(20):
        mask = rng.random((20, 30)) > 0.6
        for ring in outline(mask):
            assert len(ring) >= 4
            assert np.isfinite(ring).all()
