"""A synthetic stand-in for CelebA: drawn faces in the on-disk layout of TFDS celeb_a 2.1.0.

Nobody in it exists. The drawings are made so that a classifier of Smiling behaves as on the real
set: it is good, not perfect, and wrong more often about older faces that do not smile.

    attributes.py   who is in the set: the 40 attributes and how they depend on each other
    faces.py        what an image shows: age and smile as amounts, colours, positions
    canvas.py       drawing primitives over OpenCV
    head.py         background, hair, skin and what age does to it
    expression.py   eyes, brows, nose, mouth
    accessories.py  beard, glasses, hat, jewellery, necktie
    portrait.py     one face to one JPEG
    layout.py       splits, shards and the two JSON files TFDS reads
    generation.py   all of it, in parallel, into a folder
"""

from pipeline.data.synthetic_celeba.generation import generate

__all__ = ["generate"]
