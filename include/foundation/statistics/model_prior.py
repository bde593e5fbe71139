"""A model as prior of what items are: its probabilities, made as sure as annotators show that they deserve."""

import numpy as np
from numpy.typing import NDArray

FEWEST_COMPARED = 30  # items of a version with answers of two people or more, below which it is not heard
MOST_ROWS = 20_000  # of a version, from which it is calibrated: a slope is then known to a hundredth
FLOORS = np.array([1e-6, 1e-4, 1e-3, 1e-2, 5e-2])  # below which a model's probabilities say nothing any more
SLOPE, TRUST = (
    0.5,
    4.0,
)  # what a slope is before anything is known, and with which precision; offsets are 0, with precision 1
STEPS = 2  # of Newton's method, each time that the posterior is better known

Floats = NDArray[np.float64]


class ModelPrior:
    """Logarithms of calibrated probabilities, by version of a model, up to a constant of each item.

    Parameters
    ----------
    probabilities
        What the model said of each item, (items, classes); NaN where it said nothing.
    version
        Which model said it, int64, (items,), 0 or more.
    answers
        How many people answered each item, int64, (items,).

    Attributes
    ----------
    is_heard
        Of which items the model says something that counts, bool, (items,): a version is heard once `FEWEST_COMPARED` of its
        items have two answers.

    Notes
    -----
    Bias-corrected temperature scaling (Alexandari, Kundaje & Shrikumar, ICML 2020): ``slope * log(p) + offset`` of each class,
    where probabilities are cut at a floor, since one that is nearly 0 is mostly false. Slope and offsets are those that are the
    most probable given the posterior of the items that people answered (Raykar et al., JMLR 2010, where the model's own
    parameters are learned so); the floor is the likeliest of five. A model that says nothing gets the slope 0.
    """

    def __init__(self, probabilities: Floats, version: NDArray[np.int64], answers: NDArray[np.int64]) -> None:
        known = np.isfinite(probabilities).all(axis=1)
        compared = np.bincount(version[known & (answers >= 2)], minlength=int(version.max(initial=0)) + 1)
        self.is_heard = known & (compared >= FEWEST_COMPARED)[version]
        self._probabilities = probabilities
        self._version = version
        self._scales = {
            number: _Scale(probabilities, np.flatnonzero(self.is_heard & (version == number) & (answers > 0)))
            for number in np.flatnonzero(compared >= FEWEST_COMPARED).tolist()
        }

    def learn(self, posterior: Floats, *, floors: bool) -> None:
        """Calibrate each version anew.

        Parameters
        ----------
        posterior
            Of the classes, (items, classes).
        floors
            Whether floors may change.
        """
        for scale in self._scales.values():
            scale.learn(posterior, floors=floors)

    def logs(self, items: slice) -> Floats:
        """Return the logarithms of the prior of some items, (some, classes), up to a constant; 0 where it is not heard."""
        probabilities, version, is_heard = self._probabilities[items], self._version[items], self.is_heard[items]
        logs = np.zeros(probabilities.shape)
        for number, scale in self._scales.items():
            own = is_heard & (version == number)
            logs[own] = scale.logs(probabilities[own])
        return logs


class _Scale:
    """How sure one version is to be: a floor, a slope, and an offset of each class."""

    def __init__(self, probabilities: Floats, items: NDArray[np.int64]) -> None:
        self._items = items[:: max(1, -(-items.size // MOST_ROWS))]
        given = probabilities[self._items]
        self._logs = [np.log(np.maximum(given, floor)) for floor in FLOORS]
        self._parameters = [np.array([SLOPE, *np.zeros(given.shape[1])]) for _ in FLOORS]
        self._best = 0

    def learn(self, posterior: Floats, *, floors: bool) -> None:
        truth = posterior[self._items]
        places = range(len(FLOORS)) if floors else [self._best]
        likelihood = {}
        for place in places:
            self._parameters[place] = _calibrated(self._parameters[place], self._logs[place], truth)
            likelihood[place] = float((truth * _log_shares(self._parameters[place], self._logs[place])).sum())
        self._best = max(likelihood, key=lambda place: likelihood[place])

    def logs(self, probabilities: Floats) -> Floats:
        slope, *offsets = self._parameters[self._best]
        return np.asarray(slope * np.log(np.maximum(probabilities, FLOORS[self._best])) + offsets)


def _calibrated(parameters: Floats, logs: Floats, truth: Floats) -> Floats:
    """Return slope and offsets after some steps of Newton's method towards what makes the truth the most probable.

    Parameters
    ----------
    parameters
        Slope, and the offset of each class.
    logs
        Of the model's probabilities, (rows, classes).
    truth
        Probability of each class, (rows, classes).
    """
    for _ in range(STEPS):
        shares = np.exp(_log_shares(parameters, logs))
        missed, prior = truth - shares, parameters - [SLOPE, *np.zeros(logs.shape[1])]
        precision = np.array([TRUST, *np.ones(logs.shape[1])])
        gradient = np.array([(missed * logs).sum(), *missed.sum(axis=0)]) - precision * prior
        step = np.linalg.solve(_curvature(shares, logs) + np.diag(precision), gradient)
        parameters = parameters + step / max(1.0, np.abs(step).max())
        parameters[0] = max(parameters[0], 0.0)
    return parameters


def _curvature(shares: Floats, logs: Floats) -> Floats:
    """Return the information of slope and offsets, (1 + classes, 1 + classes)."""
    apart = shares * (logs - (shares * logs).sum(axis=1, keepdims=True))
    of_slope = (apart * logs).sum()
    of_offsets = np.diag(shares.sum(axis=0)) - shares.T @ shares
    beside = apart.sum(axis=0)
    return np.block([[np.array([[of_slope]]), beside[None, :]], [beside[:, None], of_offsets]])


def _log_shares(parameters: Floats, logs: Floats) -> Floats:
    scaled = parameters[0] * logs + parameters[1:]
    scaled -= scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))
