"""CIFAR-10's two layouts, read without unpickling; augmentation; loaders."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.training.tiny_images import CPU, make_images, write_batches, write_parquet
from training.data import cifar_images as data
from training.data.augment_images import Draws, ImageAugmentation, cut_out, move, normalize, shrink
from training.data.image_batches import Plan, batches
from training.engine.distributed import Processes
from training.engine.failures import TrainingError
from zoo.preprocessing import images as zoo_images

TRAINING, TEST = make_images(50), make_images(10, seed=1)


@pytest.mark.parametrize(
    ("write", "place"),
    [
        (write_batches, "cifar-10-batches-py"),
        (write_batches, "cifar10/cifar-10-batches-py"),
        (write_parquet, "cifar10"),
        (write_parquet, "cifar10/plain_text"),
    ],
)
def test_every_layout_gives_the_same_images(write, place: str, tmp_path: Path) -> None:
    write(tmp_path / place, TRAINING, TEST)
    everything, test = data.load(tmp_path, "all"), data.load(tmp_path, "test")
    np.testing.assert_array_equal(everything.images, TRAINING.images)
    np.testing.assert_array_equal(everything.labels, TRAINING.labels)
    np.testing.assert_array_equal(test.images, TEST.images)
    assert everything.images.dtype == np.uint8
    assert everything.labels.dtype == np.int64


def test_the_splits_are_disjoint_and_cover_the_training_set(tmp_path: Path) -> None:
    write_batches(tmp_path / "cifar-10-batches-py", TRAINING, TEST)
    train, validation = data.load(tmp_path, "train"), data.load(tmp_path, "validation")
    assert (len(train), len(validation)) == (45, 5)
    whole = sorted(i.tobytes() for part in (train, validation) for i in part.images)
    assert whole == sorted(image.tobytes() for image in TRAINING.images)


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("place", ["the whole file", "a label", "beside the data"])
def test_a_malicious_pickle_is_refused_and_runs_nothing(place: str, tmp_path: Path) -> None:
    folder, trap = tmp_path / "cifar-10-batches-py", tmp_path / "trap"
    write_batches(folder, TRAINING, TEST)
    batch = {b"data": TEST.images.reshape(10, -1), b"labels": TEST.labels.tolist()}
    evil = Malicious(trap)
    content = {
        "the whole file": evil,
        "a label": batch | {b"labels": [evil]},
        "beside the data": batch | {b"x": evil},
    }[place]
    (folder / "data_batch_3").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(TrainingError, match=r"data_batch_3 cannot be read \(it asks for posix"):
        data.load(tmp_path, "train")
    assert not trap.exists()
    pickle.loads(pickle.dumps(evil))  # our own bytes: the plain loader does run the trap
    assert trap.exists()


def test_numpy_objects_in_a_pickle_are_not_built(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    write_batches(folder, TRAINING, TEST)
    batch = {b"data": np.array([{"an": "object"}], dtype=object), b"labels": [0]}
    (folder / "test_batch").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(TrainingError, match="not an array of bytes"):
        data.load(tmp_path, "test")


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no CIFAR-10 in .* add --download"):
        data.load(tmp_path, "train")
    folder = tmp_path / "cifar-10-batches-py"
    write_batches(folder, TRAINING, TEST)
    content = (folder / "data_batch_2").read_bytes()
    (folder / "data_batch_2").write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingError, match=r"data_batch_2 cannot be read .* delete it and fetch"):
        data.load(tmp_path, "all")
    (folder / "data_batch_2").unlink()
    with pytest.raises(TrainingError, match="data_batch_2 is missing"):
        data.load(tmp_path, "all")
    other = tmp_path / "other"
    write_parquet(other / "cifar10", TRAINING, TEST)
    (other / "cifar10" / "test-00000-of-00001.parquet").write_bytes(b"PAR1 no such thing")
    with pytest.raises(TrainingError, match=r"parquet cannot be read"):
        data.load(other, "test")
    with pytest.raises(TrainingError, match="splits are train, validation, all and test"):
        data.load(other, "tset")


def test_normalizing_equals_the_zoo_bit_for_bit() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    for images in (ramp, TRAINING.images):
        ours = normalize(torch.from_numpy(images)).numpy()
        zoos = np.stack([zoo_images.normalize(i, data.MEAN, data.STD) for i in images])
        assert ours.dtype == zoos.dtype == np.float32
        np.testing.assert_array_equal(ours.view(np.uint32), zoos.view(np.uint32))


def draws(flip: bool = False, shift: tuple[int, int] = (0, 0), corner=(0, 0)) -> Draws:
    return Draws(torch.tensor([flip]), torch.tensor([shift]), torch.tensor([corner]))


def test_moving_mirrors_and_shifts_by_whole_pixels_with_a_reflected_border() -> None:
    image = torch.from_numpy(TRAINING.images[:1])
    torch.testing.assert_close(move(image, draws()), image)
    torch.testing.assert_close(move(image, draws(flip=True)), image.flip(2))
    moved = move(image, draws(shift=(2, -1)))
    torch.testing.assert_close(moved[:, 2:, :-1], image[:, :-2, 1:])
    torch.testing.assert_close(moved[:, 0, :-1], image[:, 2, 1:])  # row −2 is row 2 mirrored
    torch.testing.assert_close(moved[:, 1, :-1], image[:, 1, 1:])
    torch.testing.assert_close(moved[:, 2:, -1], image[:, :-2, -2])  # column 32 is column 30
    both = move(image, draws(flip=True, shift=(0, 3)))
    torch.testing.assert_close(both[:, :, 3:], image.flip(2)[:, :, :-3])


def test_cutout_hides_one_square_and_nothing_else() -> None:
    inputs = torch.ones(1, 3, 32, 32)
    hidden = cut_out(inputs, torch.tensor([[5, 20]]), 8)
    assert (hidden[:, :, 5:13, 20:28] == 0).all()
    assert hidden.sum() == 3 * (32 * 32 - 64)
    assert (inputs == 1).all(), "the images were changed in place"


def plan(augmentation: ImageAugmentation, batch: int = 20, seed: int = 3) -> Plan:
    images, labels = torch.from_numpy(TRAINING.images), torch.from_numpy(TRAINING.labels)
    return Plan(images, labels, augmentation, batch, seed)


def test_shrinking_keeps_the_mean_and_smooths_what_would_alias() -> None:
    inputs = torch.zeros(2, 3, 32, 32)
    inputs[0] = torch.linspace(0, 1, 32)  # a slope
    inputs[1, :, :, ::2] = 1.0  # stripes of one pixel
    low_res_augmentation = shrink(inputs, 16)
    assert low_res_augmentation.shape == (2, 3, 16, 16)
    assert low_res_augmentation.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(low_res_augmentation.mean(dim=(1, 2, 3)), torch.tensor([0.5, 0.5]))
    assert float(low_res_augmentation[1].std()) < 0.05


@pytest.mark.parametrize("size", [16, 24, 31])
def test_shrinking_is_scaling_with_antialiasing(size: int) -> None:
    inputs = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = functional.interpolate(
        inputs, (size, size), mode="bilinear", antialias=True, align_corners=False
    )
    torch.testing.assert_close(shrink(inputs, size), expected, rtol=0, atol=1e-5)


def test_augmentation_keeps_labels_ranges_and_shapes() -> None:
    augmented = plan(ImageAugmentation(translate=2, cutout=6))
    low, high = (normalize(torch.full((1, 1, 1, 3), v, dtype=torch.uint8)) for v in (0, 255))
    made = list(batches(augmented, 0, 0, CPU.processes))
    assert len(made) == 2
    seen = []
    for inputs, labels in made:
        assert inputs.shape == (20, 3, 32, 32)
        assert inputs.dtype == torch.float32
        assert inputs.is_contiguous(memory_format=torch.channels_last)
        assert labels.dtype == torch.int64
        assert ((inputs >= low) & (inputs <= high)).all()
        # The bar that tells the class has not left the image: it is bright in its own channel.
        for photo, label in zip(inputs, labels, strict=True):
            bright = photo[label % 3].amax(dim=1) == high[0, label % 3, 0, 0]
            assert bright[max(3 * label - 2, 0) : 3 * label + 6].any()
        seen += labels.tolist()
    assert len(seen) == 40


def test_each_image_shows_its_other_side_in_the_next_epoch() -> None:
    augmentation = ImageAugmentation(translate=0)
    everything = plan(augmentation, batch=50)
    sides = []
    for epoch in range(3):
        ((inputs, labels),) = batches(everything, epoch, 0, CPU.processes)
        order = next(iter(everything.draws(epoch, 0, CPU.processes)))[0].argsort()
        sides.append(inputs[order])
        torch.testing.assert_close(labels[order], everything.labels)
    torch.testing.assert_close(sides[1], sides[0].flip(3))
    torch.testing.assert_close(sides[2], sides[0])
    mirrored = (sides[0] != normalize(everything.images)).flatten(1).any(dim=1)
    assert 10 < mirrored.sum() < 40


def test_draws_depend_on_seed_epoch_and_step_alone() -> None:
    augmentation = ImageAugmentation(translate=2, cutout=6)
    whole = list(batches(plan(augmentation), 4, 0, CPU.processes))
    (resumed,) = batches(plan(augmentation), 4, 1, CPU.processes)
    torch.testing.assert_close(resumed[0], whole[1][0], rtol=0, atol=0)
    other = next(iter(batches(plan(augmentation, seed=4), 4, 0, CPU.processes)))
    assert not torch.equal(other[0], whole[0][0])
    cpu = torch.device("cpu")
    halves = [
        next(iter(batches(plan(augmentation), 4, 0, Processes(rank, 2, cpu)))) for rank in range(2)
    ]
    for rank, half in enumerate(halves):  # together the processes see what one alone would
        torch.testing.assert_close(half[0], whole[0][0][rank::2], rtol=0, atol=0)
        torch.testing.assert_close(half[1], whole[0][1][rank::2])


@pytest.mark.parametrize("damage", ["missing", "cut off"])
def test_a_download_that_was_stopped_starts_again(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (make_images(100), make_images(20))
    folder = tmp_path / "cifar-10-batches-py"
    write_batches(folder, *whole)
    last = folder / "data_batch_5"
    content = last.read_bytes()
    last.unlink() if damage == "missing" else last.write_bytes(content[:100])

    def fetch(url: str, root: str, filename: str, md5: str) -> None:
        (Path(root) / "cifar-10-batches-py" / "data_batch_5").write_bytes(content)

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", fetch)
    with pytest.raises(TrainingError, match="data_batch_5"):
        data.load(tmp_path, "all")
    assert len(data.load(tmp_path, "all", download=True)) == 100


def test_a_download_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EOFError("Compressed file ended before the end-of-stream marker was reached")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", fail)
    with pytest.raises(TrainingError, match=r"could not be downloaded \(Compressed file ended"):
        data.load(tmp_path, "all", download=True)
