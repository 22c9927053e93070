from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from tests.zoo.conftest import Bundle
from zoo.errors import ZooError
from zoo.explain import activations, occlusion


class OneRegion:
    """A network whose class 1 sees only the rows and columns 10 to 13."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        score = x[:, 0, 10:14, 10:14].mean(axis=(1, 2))
        return np.stack([-score, score], axis=1).astype(np.float32)


def seeing(network: object) -> zoo.Classifier:
    size = {"kind": "crop", "channels": 1, "height": 24, "width": 24, "mean": [0.0], "std": [1.0]}
    return zoo.Classifier("test", {"preprocessing": size, "labels": ["no", "yes"]}, {}, network)


def test_occlusion_finds_the_region_that_decides() -> None:
    drop = occlusion(seeing(OneRegion()), np.full((24, 24), 255, np.uint8), patch=4, stride=1)
    assert drop.shape == (24, 24)
    assert drop.dtype == np.float32
    peak = np.unravel_index(drop.argmax(), drop.shape)
    assert all(10 <= index <= 13 for index in peak)
    assert np.abs(drop[:6]).max() == 0
    assert drop.max() > 0.1


def test_occlusion_of_the_other_class_has_the_opposite_sign() -> None:
    model, white = seeing(OneRegion()), np.full((24, 24), 255, np.uint8)
    yes, no = occlusion(model, white, "yes"), occlusion(model, white, 0)
    np.testing.assert_allclose(yes, -no, atol=1e-6)


def test_occlusion_covers_every_pixel_whatever_the_stride() -> None:
    everything = SimpleNamespace(
        forward=lambda x, training=False: np.stack(
            [-x.mean((1, 2, 3)), 9 * x.mean((1, 2, 3))], 1
        ).astype(np.float32)
    )
    drop = occlusion(seeing(everything), np.full((24, 24), 255, np.uint8), patch=5, stride=4)
    assert (drop > 0).all()


@pytest.mark.parametrize(
    "wrong", [{"patch": 0}, {"stride": 0}, {"patch": 99}, {"target": "maybe"}, {"target": 7}]
)
def test_occlusion_refuses_nonsense(wrong: dict[str, object]) -> None:
    with pytest.raises(ZooError):
        occlusion(seeing(OneRegion()), np.full((24, 24), 255, np.uint8), **wrong)  # type: ignore[arg-type]


def test_activations_of_numpy_and_of_its_twin_agree(bundle: Bundle, digit: np.ndarray) -> None:
    pytest.importorskip("torch")
    model = zoo.load("mnist", device="cpu")
    ours = activations(model, digit)
    module = model.network.to_torch().eval()
    theirs = activations(zoo.Classifier("mnist", model.config, {}, module), digit)
    assert list(ours)[:2] == ["conv1", "pool1"]
    np.testing.assert_allclose(ours["linear"].ravel(), list(theirs.values())[-1].ravel(), atol=1e-4)
    np.testing.assert_allclose(ours["linear"].ravel(), model.predict(digit).logits, atol=1e-4)
    assert not any(m._forward_hooks for m in module.modules()), "a hook was left behind"
