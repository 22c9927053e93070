"""Many images, or folders of them: reading, the network and writing at the same time; resumable.

While the network works on one image, the next ones are read and the last ones written. What is
finished is noted in a journal beside the results, so that the same command goes on after an
interruption; once all images are done the journal goes.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from zoo.errors import ImageError, ZooError
from zoo.preprocessing.images import open_image
from zoo.results import Classification, Segmentation

if TYPE_CHECKING:
    from PIL import Image

    from zoo.models import Classifier, Segmenter
    from zoo.segmentation.saving import Saver

ENDINGS = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif")
)
AHEAD = 2  # images read ahead, and answers waiting to be written: 64 megapixels take 256 MB each
JOURNAL = ".unfinished.jsonl"  # in the folder of the results


@dataclass(frozen=True)
class ImageOutcome:
    """What became of one image.

    Attributes:
        path: as it was given, or found in a folder.
        answer: as JSON types, with the paths of what was written; None if there is none.
        words: the answer in words.
        error: why there is no answer; "" if there is one.
    """

    path: str
    answer: Mapping[str, Any] | None = None
    words: str = ""
    error: str = ""


def images_in(arguments: Iterable[str], results: Iterable[Path | None] = ()) -> list[str]:
    """Return the files that are named, and for a folder all images in it, by name.

    Args:
        arguments: files and folders.
        results: folders of results; what lies in them is none of the images.

    Raises:
        ZooError: a folder holds no image, or is that of the results.
    """
    apart = [path.resolve() for path in results if path is not None]
    found: list[str] = []
    for argument in arguments:
        folder = Path(argument)
        if not folder.is_dir():
            found.append(argument)
            continue
        if folder.resolve() in apart:
            raise ZooError(f"{argument} holds the images: name another folder for the results.")
        inside = sorted(
            str(path)
            for path in folder.rglob("*")
            if path.suffix.lower() in ENDINGS
            and not path.name.startswith(".")
            and not any(path.resolve().is_relative_to(other) for other in apart)
            and path.is_file()
        )
        if not inside:
            raise ZooError(f"The folder {argument} holds no images.")
        found += inside
    return found


class Journal:
    """Which images are done, in a file that is there only while some are not.

    Args:
        folder: of the results.
        settings: whatever decides the results; with others, the work begins anew.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._path, self._settings = folder / JOURNAL, dict(settings)
        self._lock = Lock()  # images are written by several threads
        self.done: dict[str, ImageOutcome] = self._read()

    def _read(self) -> dict[str, ImageOutcome]:
        try:
            first, *lines = self._path.read_text(encoding="utf-8").splitlines()
            if json.loads(first) != self._settings:
                raise ValueError
        except (OSError, ValueError):  # none, or one of another work
            self._path.unlink(missing_ok=True)
            return {}
        found: dict[str, ImageOutcome] = {}
        for line in lines:
            try:
                row = json.loads(line)
                outcome = ImageOutcome(row["path"], row["answer"], row["words"])
            except (ValueError, KeyError, TypeError):  # the line that an interruption cut off
                continue
            if all(Path(file).is_file() for file in row["files"]):
                found[outcome.path] = outcome
        return found

    def note(self, outcome: ImageOutcome, files: Sequence[str]) -> None:
        """Write down that an image is done."""
        row = {
            "path": outcome.path, "answer": outcome.answer, "words": outcome.words,
            "files": list(files),
        }  # fmt: skip
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                if not file.tell():
                    file.write(json.dumps(self._settings) + "\n")
                file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """Forget everything: all images are done."""
        self._path.unlink(missing_ok=True)


def predict_all(
    model: Classifier | Segmenter,
    paths: Sequence[str],
    saver: Saver | None = None,
    edit: Callable[[Segmentation], Segmentation] | None = None,
    journal: Journal | None = None,
) -> Iterator[ImageOutcome]:
    """Yield the outcome of each image, in order; a bad one keeps no other from its answer.

    Args:
        model: answers.
        paths: of the images.
        saver: writes masks and cut-outs.
        edit: changes each answer of a segmentation network before it is told and saved.
        journal: tells which images are done already, and is told about the others.

    Raises:
        ZooError: a result cannot be written.
    """
    done = journal.done if journal else {}
    names = [saver.reserve(path) if saver else "" for path in paths]  # in order, done or not
    todo = deque(path for path in paths if path not in done)
    reading: deque[Future[Image.Image | ImageError]] = deque()
    writing: deque[Future[ImageOutcome]] = deque()
    with ThreadPoolExecutor(1, "reading") as readers, ThreadPoolExecutor(2, "writing") as writers:
        for path, name in zip(paths, names, strict=True):
            if path in done:
                writing.append(_at_once(done[path]))
            else:
                while todo and len(reading) < AHEAD:
                    reading.append(readers.submit(_open, todo.popleft()))
                answer = _answer(model, reading.popleft().result(), edit)
                writing.append(writers.submit(_write, path, name, answer, saver, journal))
            while len(writing) > AHEAD:
                yield writing.popleft().result()
        while writing:
            yield writing.popleft().result()
    if journal:
        journal.close()


def _at_once(outcome: ImageOutcome) -> Future[ImageOutcome]:
    future: Future[ImageOutcome] = Future()
    future.set_result(outcome)
    return future


def _open(path: str) -> Image.Image | ImageError:
    try:
        return open_image(path, share=True)
    except ImageError as error:
        return error


def _answer(
    model: Classifier | Segmenter,
    image: Image.Image | ImageError,
    edit: Callable[[Segmentation], Segmentation] | None,
) -> tuple[Image.Image, Classification | Segmentation] | ImageError:
    """Ask the network about an image that was read, or was not."""
    if isinstance(image, ImageError):
        return image
    try:
        answer = model.predict(image)
    except ImageError as error:
        return error
    if edit and isinstance(answer, Segmentation):
        answer = edit(answer)
    return image, answer


def _write(
    path: str,
    name: str,
    found: tuple[Image.Image, Classification | Segmentation] | ImageError,
    saver: Saver | None,
    journal: Journal | None,
) -> ImageOutcome:
    """Write what was asked for, and note that it is there."""
    if isinstance(found, ImageError):
        return ImageOutcome(path, error=str(found))
    image, answer = found
    written: dict[str, str] = {}
    if saver is not None and isinstance(answer, Segmentation):
        written = saver.write(name, image, answer)
    words = ": ".join([answer.in_words(), *written.values()])
    outcome = ImageOutcome(path, {"image": path} | answer.to_dict() | written, words)
    if journal:
        journal.note(outcome, list(written.values()))
    return outcome
