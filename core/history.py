"""What a run has said so far, built event by event."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from core.diary import MOST_ENTRIES, Entry, entry_of, is_evaluation
from core.odometer import Odometer
from core.prompt_answers import Answers
from core.series import Moment, Point, Series
from storage.event_log import Measured
from storage.events import Checkpoint, Event, Failed, Finished, Metric, Phase, PromptAnswer, Sample, Warn
from storage.measures import LOSS, REWARD, Measure
from storage.run_folder import Stretch


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A snapshot up to event `seq` of `attempt`. A page that holds it drops older events when they are published."""

    attempt: int
    seq: int
    series: dict[str, tuple[Point, ...]]
    phase: Phase | None
    training: Phase | None
    last: Metric | None
    samples: tuple[Sample, ...]
    warnings: tuple[Warn, ...]
    checkpoints: tuple[Checkpoint, ...]
    finished: Finished | None
    failed: Failed | None
    #: What takes long between two events, as of the snapshot.
    stretch: Stretch | None = None
    #: By prompt, then by step.
    answers: tuple[PromptAnswer, ...] = ()
    diary: tuple[Entry, ...] = ()
    #: A copy: whoever follows the run reads on with it.
    odometer: Odometer = field(default_factory=Odometer)

    @property
    def eval_losses(self) -> dict[int, float]:
        """Step → evaluation loss."""
        return self._evaluated(LOSS)

    @property
    def eval_rewards(self) -> dict[int, float]:
        """Step → mean reward of the held-out prompts."""
        return self._evaluated(REWARD)

    @property
    def eval_ranks(self) -> dict[int, float]:
        """Step → how its evaluation compares with the others': lower is better, whatever the objective."""
        return REWARD.ranks(self.eval_rewards) or LOSS.ranks(self.eval_losses)

    def after(self, events: Iterable[Event]) -> Self:
        """With what its attempt has measured since; what else an event tells takes another look at the run."""
        odometer, last, seq = self.odometer.copy(), self.last, self.seq
        news: dict[str, list[Point]] = {}
        for event in events:
            if event.seq > seq:
                seq = event.seq
                odometer.read(event)
                if isinstance(event, Metric):
                    last = event
                    for name, point in odometer.points(event).items():
                        news.setdefault(name, []).append(point)
        series = self.series | {name: (*self.series.get(name, ()), *points) for name, points in news.items()}
        return replace(self, series=series, odometer=odometer, last=last, seq=seq)

    def _evaluated(self, measure: Measure) -> dict[int, float]:
        """Long curves are thinned out; of the steps with a checkpoint none is missing."""
        told = {point.step: point.value for point in self.series.get(measure.key, ())}
        sealed = {one.step: getattr(one, measure.key) for one in self.checkpoints}
        return told | {step: value for step, value in sealed.items() if value is not None}

    def latest(self, name: str) -> float | None:
        points = self.series.get(name)
        return points[-1].value if points else None


@dataclass(slots=True)
class Recorder:
    """The growing side of a History."""

    attempt: int = 0
    seq: int = -1
    series: dict[str, Series] = field(default_factory=dict)
    phase: Phase | None = None
    training: Phase | None = None
    last: Metric | None = None
    samples: list[Sample] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    finished: Finished | None = None
    failed: Failed | None = None
    stretch: Stretch | None = None
    answers: Answers = field(default_factory=Answers)
    odometer: Odometer = field(default_factory=Odometer)
    diary: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    _cut_pending: bool = False

    def begin(self, attempt: int) -> None:
        """A further attempt: its outcome is open again, and its first step decides what of the curve stays."""
        self.attempt, self.seq = attempt, -1
        self.phase = self.training = self.last = self.finished = self.failed = self.stretch = None
        self.odometer.begin()
        self._cut_pending = True

    def apply(self, event: Event) -> None:
        self.seq = event.seq
        if self._cut_pending and isinstance(event, Metric):
            self._cut_from(event)
        self.odometer.read(event)
        if entry := entry_of(event, self.phase, self.attempt):
            self.diary.append(entry)
        match event:
            case Metric():
                self._measure(event)
            case Phase():
                self.phase = event
                self.training = event if event.name == "training" else self.training
            case Sample():
                self.samples = [s for s in self.samples if (s.index, s.tuned) != (event.index, event.tuned)]
                self.samples.append(event)
            case PromptAnswer():
                self.answers.add(event)
            case Warn():
                self.warnings.append(event)
            case Checkpoint():
                self.checkpoints.append(event)
            case Finished():
                self.finished = event
            case Failed():
                self.failed = event

    def apply_past(self, past: Iterable[Event | Measured]) -> None:
        """Many at once, the same as one by one."""
        columns: dict[str, tuple[list[Moment], list[float]]] = {}
        last: Measured | None = None
        for event in past:
            if not isinstance(event, Measured) or self._cut_pending or is_evaluation(event.values):
                self._fill(columns)
                self.apply(event.metric() if isinstance(event, Measured) else event)
                continue
            self.odometer.read(event)
            moment = self.odometer.moment(event)
            for name, value in event.values.items():
                if value is not None:
                    if (column := columns.get(name)) is None:
                        column = columns[name] = ([], [])
                    column[0].append(moment)
                    column[1].append(value)
            last = event
        self._fill(columns)
        if last and (self.last is None or last.seq > self.last.seq):
            self.seq, self.last = max(self.seq, last.seq), last.metric()

    def _fill(self, columns: dict[str, tuple[list[Moment], list[float]]]) -> None:
        for name, (moments, values) in columns.items():
            if (series := self.series.get(name)) is None:
                series = self.series[name] = Series()
            series.add(moments, values)
        columns.clear()

    def snapshot(self) -> History:
        return History(
            attempt=self.attempt,
            seq=self.seq,
            series={name: series.points() for name, series in self.series.items()},
            phase=self.phase,
            training=self.training,
            last=self.last,
            samples=tuple(self.samples),
            warnings=tuple(self.warnings),
            checkpoints=tuple(self.checkpoints),
            finished=self.finished,
            failed=self.failed,
            stretch=self.stretch,
            answers=self.answers.all(),
            diary=tuple(self.diary),
            odometer=self.odometer.copy(),
        )

    def _measure(self, event: Metric) -> None:
        self.last = event
        moments = [self.odometer.moment(event)]
        self._fill({name: (moments, [value]) for name, value in event.values.items() if value is not None})

    def _cut_from(self, event: Metric) -> None:
        """The attempt's first measurement says from where it goes on."""
        self._cut_pending = False
        for series in self.series.values():
            series.cut_from(event.step)
        newest = [point for series in self.series.values() if (point := series.newest)]
        self.odometer.set_back(max(newest, key=lambda point: point.step, default=None))
