"""Phantoms: panoramic radiographs computed from a parametric anatomy, free of any licence.

`anatomy` describes a patient, `patient` draws one at random (`child` one in the mixed dentition), `render` a picture
of that patient as one of the devices in `looks` would take it, `pool` many of them into a pool.
"""

from .errors import PhantomError
from .looks import LOOKS
from .pool import render_pool
from .render import VERSION, render

__all__ = ["LOOKS", "VERSION", "PhantomError", "render", "render_pool"]
