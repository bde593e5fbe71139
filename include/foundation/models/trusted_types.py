"""Which types a model file may hold: scikit-learn's own, and the few of numpy and scipy that they keep.

skops reads a file without running what it holds, and lists the types that it would build and does not trust by itself. A tree
whose nodes were forged can still crash a process, so a model is only read if its files have the digest that was judged.
"""

import importlib
from collections.abc import Iterable

PACKAGES = (
    "calibration", "cluster", "compose", "covariance", "cross_decomposition", "decomposition", "discriminant_analysis",
    "dummy", "ensemble", "feature_extraction", "feature_selection", "gaussian_process", "impute", "isotonic",
    "kernel_approximation", "linear_model", "manifold", "metrics", "mixture", "model_selection", "multiclass",
    "multioutput", "naive_bayes", "neighbors", "neural_network", "pipeline", "preprocessing", "random_projection",
    "semi_supervised", "svm", "tree",
)  # fmt: skip
OTHERS = {  # they only hold values, or compute one array from another
    "numpy.dtype", "numpy.mean", "numpy.median", "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline", "scipy.sparse._csc.csc_array", "scipy.sparse._csc.csc_matrix",
    "scipy.sparse._csr.csr_array", "scipy.sparse._csr.csr_matrix", "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest", "sklearn.utils._metadata_requests.MethodMetadataRequest",
}  # fmt: skip


def split_by_trust(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names of types that are trusted, and those that are not, each sorted.

    Examples
    --------
    >>> split_by_trust(["sklearn.tree._tree.Tree", "sklearn.tree._classes.np", "posix.system"])
    (['sklearn.tree._tree.Tree'], ['posix.system', 'sklearn.tree._classes.np'])
    """
    ordered = sorted(set(names))
    trusted = [name for name in ordered if is_trusted(name)]
    return trusted, [name for name in ordered if name not in trusted]


def is_trusted(name: str) -> bool:
    """Tell whether a full name is that of a class or function that scikit-learn defines for its models.

    What a module of scikit-learn only imports, such as ``os`` or ``numpy``, has its home elsewhere and is not trusted.
    """
    if name in OTHERS:
        return True
    module, _, own = name.rpartition(".")
    parts = module.split(".")
    if parts[0] != "sklearn" or len(parts) < 2 or parts[1] not in PACKAGES or "tests" in parts:
        return False
    try:
        named = getattr(importlib.import_module(module), own, None)
    except ImportError:
        return False
    return callable(named) and getattr(named, "__module__", None) == module
