import dataclasses
import json

import pytest

import zoo
from tests.zoo.conftest import Bundle
from zoo.errors import IntegrityError, UnknownModelError


def test_lists_and_describes_the_models(bundle: Bundle) -> None:
    assert zoo.list_models() == ["mnist"]
    info = zoo.info("mnist")
    assert info.labels == tuple("0123456789")
    assert info.size == sum(path.stat().st_size for path in bundle.folder.iterdir())
    assert info.sha256 == info.files["model.safetensors"].sha256
    assert json.loads(json.dumps(info.to_dict()))["metrics"] == {"accuracy": 0.5}


def test_an_entry_cannot_be_changed(bundle: Bundle) -> None:
    info = zoo.info("mnist")
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        info.metrics["accuracy"] = 1.0  # type: ignore[index]


@pytest.mark.parametrize("name", ["mnits", "MNIST", "minst"])
def test_an_unknown_model_suggests_the_nearest(bundle: Bundle, name: str) -> None:
    with pytest.raises(UnknownModelError, match="did you mean 'mnist'"):
        zoo.info(name)


def test_an_unknown_model_that_is_near_to_none_lists_all(bundle: Bundle) -> None:
    with pytest.raises(UnknownModelError, match="the models are mnist"):
        zoo.load("resnet50")


def test_an_export_is_noticed_without_a_restart(bundle: Bundle) -> None:
    before = zoo.info("mnist").sha256
    bundle.write("model.safetensors", b"other")
    assert zoo.info("mnist").sha256 != before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_damaged_catalog_is_one_sentence(bundle: Bundle, content: str) -> None:
    (bundle.root / "catalog.json").write_text(content)
    zoo.weights.catalog._parse.cache_clear()
    with pytest.raises(IntegrityError, match=r"install the package again"):
        zoo.list_models()


def test_a_missing_catalog_is_one_sentence(bundle: Bundle) -> None:
    (bundle.root / "catalog.json").unlink()
    with pytest.raises(IntegrityError, match="is missing; install"):
        zoo.list_models()
