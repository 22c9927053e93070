"""The network architectures, one concept a file, and the registry that builds one from its config.

`numpy_cnn` is the network from scratch, `cifar_net` names objects, `segmentation` holds those that
find an object's pixels, `stand_alone` what needs torch and nothing else.
"""

from zoo.networks.registry import (
    ARCHITECTURES,
    Architecture,
    architecture,
    build,
    build_empty,
    name_of,
    scaffold_of,
)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "architecture",
    "build",
    "build_empty",
    "name_of",
    "scaffold_of",
]
