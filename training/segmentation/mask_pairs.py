"""Which mask belongs to which image: by their names, whichever of the usual rules they follow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.engine.failures import TrainingError

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
WORDS = ("mask", "masks", "seg", "segmentation", "label", "gt", "matte", "alpha", "annotation")
HELD_OUT = 6  # every sixth group is held out


def _suffix(word: str) -> Callable[[str], str | None]:
    found = re.compile(rf"(.+)[ _.-]{word}$", re.IGNORECASE)
    return lambda stem: match[1] if (match := found.match(stem)) else None


def _prefix(word: str) -> Callable[[str], str | None]:
    found = re.compile(rf"{word}[ _.-](.+)$", re.IGNORECASE)
    return lambda stem: match[1] if (match := found.match(stem)) else None


# What a mask's name says about its image's, without ending; None if it does not follow the rule.
RULES: Mapping[str, Callable[[str], str | None]] = {
    "a mask has its image's name": lambda stem: stem,
    **{f"NAME_{word} is the mask of NAME": _suffix(word) for word in WORDS},
    **{f"{word}_NAME is the mask of NAME": _prefix(word) for word in WORDS},
}


@dataclass(frozen=True)
class FoundPair:
    """An image and its mask.

    Attributes:
        name: the image's path in its folder, without ending.
        image, mask: files.
    """

    name: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Matching:
    """What was found in two folders.

    Attributes:
        pairs: sorted by name.
        rule: by which the masks are named, in words.
        no_mask, no_image: files that were left over.
    """

    pairs: tuple[FoundPair, ...]
    rule: str
    no_mask: tuple[Path, ...]
    no_image: tuple[Path, ...]


def find_pairs(images: Path, masks: Path) -> Matching:
    """Match the files of two folders, which may be one; the rule that fits most masks counts.

    Raises:
        TrainingError: if a folder is missing or empty, two images have one name, or no mask fits.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise TrainingError(f"There is no folder {folder}.")
    drawn = _files(masks)
    best: Matching | None = None
    for rule, image_of in RULES.items():
        named = {path: image_of(path.stem) for path in drawn}
        if images.resolve() == masks.resolve():
            if rule == next(iter(RULES)):
                continue  # every file would be its own mask
            photos = [path for path in drawn if named[path] is None]
        else:
            photos = _files(images)
        found = _match(images, masks, photos, named, rule)
        if best is None or len(found.pairs) > len(best.pairs):
            best = found
    if best is None or not best.pairs:
        raise TrainingError(
            f"No mask in {masks} fits an image in {images}: {_examples(images, masks)}Name each "
            "mask as its image, or NAME_mask."
        )
    return best


def _match(
    images: Path,
    masks: Path,
    photos: Sequence[Path],
    named: Mapping[Path, str | None],
    rule: str,
) -> Matching:
    by_key: dict[str, Path] = {}
    for path in photos:
        key = _key(path.relative_to(images).with_suffix("").as_posix())
        if key in by_key:
            raise TrainingError(
                f"{by_key[key].name} and {path.name} in {images} are two images of one name, so "
                "that nobody can tell whose the mask is; rename one."
            )
        by_key[key] = path
    pairs: dict[Path, Path] = {}
    alone = []
    for path, stem in named.items():
        folder = path.relative_to(masks).parent
        image = by_key.get(_key((folder / stem).as_posix())) if stem else None
        if image is None:
            alone.append(path)
        elif image in pairs:
            raise TrainingError(
                f"{pairs[image].name} and {path.name} in {masks} are both masks of {image.name}; "
                "keep one."
            )
        else:
            pairs[image] = path
    if images.resolve() == masks.resolve():
        alone = [path for path in alone if named[path] is not None]
    found = [
        FoundPair(image.relative_to(images).with_suffix("").as_posix(), image, mask)
        for image, mask in pairs.items()
    ]
    return Matching(
        tuple(sorted(found, key=lambda pair: pair.name)),
        rule,
        tuple(path for path in photos if path not in pairs),
        tuple(alone),
    )


def group_of(name: str, pattern: re.Pattern[str] | None) -> str:
    """Return the group of an image, which stays on one side: the pattern's first group, or match.

    A name that the pattern does not find is a group of its own.
    """
    match = pattern.search(name) if pattern else None
    if match is None:
        return name
    return match[1] if match.re.groups else match[0]


def split_groups(groups: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the groups to learn from and those held out: a sixth, at least one.

    They are taken in the order of their SHA-256, so that new images move few of the old ones.

    Raises:
        TrainingError: if there is only one group.
    """
    ordered = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).hexdigest())
    if len(ordered) < 2:
        raise TrainingError(
            "All images are in one group, so none can be held out; give another --group, or more "
            "images."
        )
    held = max(1, round(len(ordered) / HELD_OUT))
    return set(ordered[held:]), set(ordered[:held])


def _files(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    )
    if not found:
        raise TrainingError(f"{folder} has no images ({', '.join(ENDINGS)}).")
    return found


def _key(name: str) -> str:
    return name.casefold()


def _examples(images: Path, masks: Path) -> str:
    return f"there are {_files(images)[0].name} and {_files(masks)[0].name}, for example. "
