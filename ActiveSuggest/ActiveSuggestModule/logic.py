"""The module's logic: ActiveSuggest from Slicer's Python console and from scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .jobs import Job
from .score_table import ScoreTable
from .waiting import result_of

if TYPE_CHECKING:
    from .session import Session


class ActiveSuggestLogic(ScriptedLoadableModuleLogic):
    """ActiveSuggest in the console; the window stays alive while a call waits.

    Each method returns plain data when it is done, or at once a ``Job`` with ``wait=False``: its
    ``state``, ``done`` of ``total``, ``message``, ``value``, ``cancel()``, and the signal
    ``finished``. What fails raises a named error (``ActiveSuggestLib.errors``) with a remedy.
    What is done here shows in the panel, and the other way round.

    >>> logic = slicer.util.getModuleLogic("ActiveSuggest")
    >>> logic.open(project)["name"]
    'pool'
    >>> best = logic.suggest(strategy="random", count=2)[0]
    >>> logic.show(best["case"])["source"]
    'empty'
    >>> logic.save(note="nothing to see")["version"]
    1
    >>> logic.close()
    """

    def __init__(self, parent: Any = None, session: Session | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._session = session

    @property
    def session(self) -> Session:
        """What panel and console share: the open project, its signals and jobs."""
        if self._session is None:
            from .scene.case_scene import CaseScene
            from .session import Session

            scene = CaseScene(slicer.mrmlScene, slicer.app.applicationLogic())
            self._session = Session(scene, settings=qt.QSettings())
        return self._session

    # The project ------------------------------------------------------------------------

    def create(
        self,
        folder: str | Path,
        images: str | Path,
        segments: str | Sequence[dict[str, Any]],
        *,
        labels: str | Path | None = None,
        wait: bool = True,
        **options: Any,
    ) -> Any:
        """Make a project of a folder of images, open it, and return its status.

        ``segments``: ``"liver,tumour"`` or a list of name, color, terminology and value;
        ``labels``: a folder of labels to take in; ``options``: name, plane, modality,
        patient_pattern, patient_csv.

        >>> logic.create(new_folder, images, "ball,core")["counts"]["unlabelled"]
        4
        """
        spec = {"folder": str(folder), "images": str(images), "segments": segments, **options}
        if labels is not None:
            spec["labels"] = str(labels)
        return self._answer(self.session.create(spec), wait)

    def open(self, folder: str | Path, *, wait: bool = True) -> Any:
        """Open a project and return its status; the one that is open is closed first.

        >>> sorted(logic.open(project)["segments"])
        ['ball', 'core']
        """
        return self._answer(self.session.open(folder), wait)

    def close(self) -> None:
        """Close the project; edits that are not saved become a draft."""
        self.session.close()

    def status(self, *, wait: bool = True) -> Any:
        """Return name, segments, counts by state, model, device, problems and what runs.

        >>> logic.status()["counts"]["labelled"]
        2
        """
        return self._answer(self.session.look_up("status"), wait)

    def cases(self, state: str | None = None, *, wait: bool = True) -> Any:
        """Return the facts of all cases, or of those ``unlabelled``, ``labelled``, ….

        >>> len(logic.cases("labelled"))
        2
        """
        return self._answer(self.session.look_up("cases", state=state), wait)

    # Labelling --------------------------------------------------------------------------

    def suggest(
        self,
        strategy: str = "default",
        unit: str = "volume",
        count: int = 1,
        *,
        wait: bool = True,
    ) -> Any:
        """Return what to label next, best first: case, slices, score, reasons, patient.

        ``unit`` is ``volume``, ``slice``, or ``mixed``: whichever of both is worth its effort most.

        >>> found = logic.suggest(strategy="random", unit="slice", count=3)
        >>> sum(len(s["slices"]) for s in found)
        3
        """
        job = self.session.suggest(strategy, unit, count)
        return self._answer(job, wait, lambda _rows: self._suggestions())

    def show(
        self,
        case: str,
        slice: int | None = None,  # noqa: A002 - the field's word
        *,
        prefer: str = "draft",
        wait: bool = True,
    ) -> Any:
        """Show a case, labelled or not, and return case, source and slices.

        ``prefer``: ``draft``, ``label``, ``proposal`` or ``empty``; what does not exist gives way
        to the next. ``source`` in the answer says what is shown.

        >>> logic.show(labelled_case)["source"]
        'label'
        """

        def shown(value: dict[str, Any]) -> dict[str, Any]:
            current = self.session.current
            return value | {"slices": [] if current is None else list(current.slices)}

        return self._answer(self.session.open_case(case, slice, prefer=prefer), wait, shown)

    def save(
        self, slices: Sequence[int] | None = None, *, note: str = "", wait: bool = True
    ) -> Any:
        """Save the mask on the screen as the label of its case (of ``slices`` only).

        Returns case, version, path, hash and slices. Raises ``SaveFailedError`` where the mask
        could not be written; a copy is then in the system's folder for temporary files.

        >>> answer = logic.show(labelled_case)
        >>> logic.save(note="looked at again")["case"] == labelled_case
        True
        """
        job = self.session.save_job(slices, note)
        return self._answer(job, wait)

    def skip(self, reason: str = "") -> None:
        """Pass the open case over for now.

        >>> answer = logic.show(unlabelled_case)
        >>> logic.skip("too noisy")
        """
        self.session.skip(reason)

    def exclude(self, case: str, reason: str) -> None:
        """Take a case out of the pool.

        >>> logic.exclude(unlabelled_case, "not this study")
        >>> logic.status()["counts"]["excluded"]
        1
        """
        self.session.exclude(case, reason)

    def include(self, case: str) -> None:
        """Take a case back into the pool.

        >>> logic.exclude(unlabelled_case, "by mistake")
        >>> logic.include(unlabelled_case)
        >>> logic.status()["counts"]["excluded"]
        0
        """
        self.session.include(case)

    # Learning ---------------------------------------------------------------------------

    def fine_tune(self, seconds: float | None = None, *, wait: bool = True) -> Any:
        """Train on all labels and return the report: model, accepted, validation_dice, ….

        A training that is running already goes on, and is the one that is waited for.

        >>> logic.fine_tune(seconds=2)["trained_on"]
        2
        """
        return self._answer(self.session.fine_tune(seconds), wait)

    def score(
        self,
        strategy: str = "default",
        unit: str = "volume",
        *,
        out: str | Path | None = None,
        wait: bool = True,
    ) -> Any:
        """Rank everything; return a ``ScoreTable``: node in the scene, path of the CSV, DataFrame.

        ``unit`` as for ``suggest``; with ``mixed`` the rows of whole volumes have no slice.

        >>> table = logic.score(strategy="random", out=csv)
        >>> table.node.GetTable().GetNumberOfRows() == table.total == len(table.dataframe)
        True
        """
        return self._answer(
            self.session.score(strategy, unit, out),
            wait,
            lambda value: self._score_table(value, f"{strategy} {unit}"),
        )

    def predict(
        self,
        cases: Sequence[str] | None = None,
        out: str | Path | None = None,
        *,
        wait: bool = True,
    ) -> Any:
        """Write proposals of cases (all that have no label) to ``out``; return their files.

        >>> report = logic.fine_tune(seconds=2)
        >>> [answer["worst_slice"] is not None for answer in logic.predict([unlabelled_case], out)]
        [True]
        """
        return self._answer(self.session.predict(cases, out), wait)

    def models(self, *, wait: bool = True) -> Any:
        """Return the records of all models, oldest first.

        >>> report = logic.fine_tune(seconds=2)
        >>> [model["version"] for model in logic.models()]
        [1]
        """
        return self._answer(self.session.look_up("models"), wait)

    def roll_back(self, version: int, *, wait: bool = True) -> Any:
        """Make an earlier model the current one and return its record.

        >>> report = logic.fine_tune(seconds=2)
        >>> logic.roll_back(1)["version"]
        1
        """
        return self._answer(self.session.roll_back(version), wait)

    # Parts ------------------------------------------------------------------------------

    def _answer(self, job: Job, wait: bool, as_answer: Callable[[Any], Any] | None = None) -> Any:
        if not wait:
            return job
        value = result_of(job)
        return value if as_answer is None else as_answer(value)

    def _suggestions(self) -> list[dict[str, Any]]:
        return [
            {
                "rank": suggestion.rank,
                "case": suggestion.case,
                "slices": list(suggestion.slices),
                "score": suggestion.score,
                "reasons": list(suggestion.reasons),
                "strategy": suggestion.strategy,
                "patient": suggestion.patient,
            }
            for suggestion in self.session.suggestions
        ]

    def _score_table(self, value: dict[str, Any], name: str) -> ScoreTable:
        from .tables import show_scores

        node = show_scores(slicer.mrmlScene, value["rows"], f"ActiveSuggest {name}")
        return ScoreTable(node, Path(value["path"]), value["rows"], int(value["total"]))
