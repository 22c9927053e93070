from __future__ import annotations

import numpy as np
import pytest

from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import top_activations
from zoo.explain.subject import trace


@pytest.mark.parametrize("name", ["digits", "objects", "unet"])
def test_peaks_are_the_largest_values_and_their_places(name: str) -> None:
    network, _ = networks.make(name)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((70, *networks.SHAPES[name])).astype(np.float32)  # two batches
    if name == "unet":
        inputs = inputs[:3]
    found = top_activations(network, inputs)
    last = len(inputs) - 1
    run = trace(network, inputs[last])
    assert set(found) == {layer.name for layer in run.layers}
    for layer in run.layers:
        values = run[layer.name]
        flat = values.reshape(len(values), -1)
        np.testing.assert_allclose(found[layer.name].values[last], flat.max(axis=1), atol=1e-4)
        assert found[layer.name].values.shape == (len(inputs), len(values))
        best = found[layer.name].best(0, 2)
        assert best[0][0] == int(found[layer.name].values[:, 0].argmax())
        image, row, column = best[1]
        again = trace(network, inputs[image])[layer.name][0]
        peak = again[row, column] if again.ndim == 2 else again
        assert float(peak) == pytest.approx(float(again.max()), abs=1e-4)


def test_no_images_get_a_sentence() -> None:
    network, inputs = networks.make("digits")
    with pytest.raises(ZooError, match="N of at least 1"):
        top_activations(network, inputs)
