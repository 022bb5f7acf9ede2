"""The processor's old floating-point unit, put in order after native code that leaves it in disorder.

Some transactions in LiteSVM (solders 0.29), such as one that creates an associated token account, come back
with the x87 register stack marked full. The next operation of this thread that uses it, such as NumPy's
remainder of float64, then gives NaN for its first element.
"""

from __future__ import annotations

import numpy as np

_ONES = np.ones(8)


def settle() -> None:
    """Let the stack run empty on numbers that nobody needs; to be called after every run of the machine."""
    with np.errstate(all="ignore"):
        np.remainder(_ONES, _ONES)


__all__ = ["settle"]
