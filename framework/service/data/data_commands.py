"""What people do with the data of branches, as changes of the previews' records. Service thread."""

import dataclasses

from framework.clock import Clock
from framework.errors import CopyOfItself, UnknownData
from framework.preview import branch_data
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Leaves
from prevs.records import DataPlace, PreviewRecord

ANEW = Reason(ReasonKind.DATA, "It starts again with new data: somebody has reset those it had.")


class DataCommands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def reset(self, app: str, branch: str) -> None:
        """Let the data of a branch begin anew; what runs with them starts again.

        Raises UnknownApp, UnknownData.
        """
        self._begin_anew(app, branch)

    def copy(self, app: str, source: str, target: str) -> None:
        """Let the data of a branch begin anew with a copy of those of another one.

        Raises UnknownApp, CopyOfItself, UnknownData.
        """
        self._records.app(app)
        if source == target:
            raise CopyOfItself(source)
        if branch_data.find_place(self._records.of_app(app), source) is None:
            raise UnknownData(app, source)
        self._begin_anew(app, target, seed=source)

    def _begin_anew(self, app: str, branch: str, seed: str = "") -> None:
        """Note it in the newest record that has the data of a branch, and end what runs."""
        self._records.app(app)
        known = [one for one in self._records.of_app(app) if branch_data.knows(one, branch)]
        if not known:
            raise UnknownData(app, branch)
        place = DataPlace("", "", self._clock.now(), seed=seed)
        newest = max(known, key=lambda one: (branch in one.data_places, one.changed, one.sha))
        self._records.save(_with_place(newest, branch, place))
        for one in branch_data.list_holders(branch, self._records.of_app(app)):
            self._records.change(one, Leaves(ANEW))


def _with_place(preview: PreviewRecord, branch: str, place: DataPlace) -> PreviewRecord:
    return dataclasses.replace(preview, data_places={**preview.data_places, branch: place})
