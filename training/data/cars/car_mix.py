"""What one training image of the car recipe shows: the studio, a street, pasted cars, or a phone
photo with a partial mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from training.data.cars.augment_car_photos import CERTAIN, PhonePhotoAugmentation
from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.cars.photometric_jitter import Pixels

ORDER, CONTENT, PHOTOS = 0, 1, 2  # streams of random numbers from one seed


@dataclass(frozen=True)
class CarMix:
    """How the images of one step are made.

    Attributes:
        others: makes all but phone photos, and says which size all of them have.
        photo: the share of phone photos. They are spread evenly, so that batches are alike.
        photos: makes them.
    """

    others: CarAugmentation = field(default_factory=CarAugmentation)
    photo: float = 0.0
    photos: PhonePhotoAugmentation = field(default_factory=PhonePhotoAugmentation)

    def sized(self, height: int, width: int) -> CarMix:
        """Return the same for images of another size."""
        return replace(self, others=replace(self.others, height=height, width=width))

    def __call__(
        self, sources: TrainingSources, seed: int, number: int
    ) -> tuple[Pixels, Pixels, Pixels]:
        """Make a run's image ``number``; every photo of a kind comes once before any comes twice.

        Returns:
            The image, uint8 (H, W, 3); the car's share of each pixel, uint8 (H, W), 0 to 255; and
            how far to rely on it, uint8 (H, W), see `training.data.cars.augment_car_photos`.
        """
        rng = np.random.default_rng((seed, CONTENT, number))
        turn = math.floor(number * self.photo)
        if sources.photos and math.floor((number + 1) * self.photo) > turn:
            photo = sources.photos[_turn_of(turn, len(sources.photos), (seed, PHOTOS))]
            return self.photos(photo, self.others.height, self.others.width, rng)
        image, share = self.others(
            sources, _turn_of(number, len(sources.studio), (seed, ORDER)), rng
        )
        return image, share, np.full(share.shape, CERTAIN, np.uint8)


def _turn_of(number: int, count: int, seed: tuple[int, int]) -> int:
    """Return which of ``count`` photos has turn ``number``: in another order in every round."""
    turn, place = divmod(number, count)
    return int(np.random.default_rng((*seed, turn)).permutation(count)[place])
