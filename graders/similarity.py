"""How alike two texts are, 0 to 1. Words are what `split` gives, in lower case."""

import math
from collections import Counter

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

from storage.graders import TextSimilarity


def similarity(grader: TextSimilarity, text: str, reference: str) -> float:
    said, wanted = text.lower().split(), reference.lower().split()
    match grader.evaluation_metric:
        case "fuzzy_match":
            return fuzz.ratio(text, reference) / 100
        case "bleu":
            return bleu(said, wanted)
        case "gleu":
            return gleu(said, wanted)
        case "rouge_l":
            return f1(LCSseq.similarity(said, wanted), len(said), len(wanted))
        case rouge:
            return rouge_n(said, wanted, int(rouge[-1]))


def rouge_n(said: list[str], wanted: list[str], n: int) -> float:
    """F1 over n-grams (Lin 2004)."""
    ours, theirs = ngrams(said, n), ngrams(wanted, n)
    return f1((ours & theirs).total(), ours.total(), theirs.total())


def gleu(said: list[str], wanted: list[str]) -> float:
    """The smaller of precision and recall over 1- to 4-grams together (Wu et al. 2016, arXiv:1609.08144)."""
    ours = sum((ngrams(said, n) for n in range(1, 5)), Counter())
    theirs = sum((ngrams(wanted, n) for n in range(1, 5)), Counter())
    return (ours & theirs).total() / max(ours.total(), theirs.total(), 1)


def bleu(said: list[str], wanted: list[str]) -> float:
    """Sentence BLEU-4 (Papineni et al. 2002) with add-one smoothing from the second n on (Lin & Och 2004)."""
    if not said or not wanted:
        return 0.0
    logs = 0.0
    for n in range(1, 5):
        ours = ngrams(said, n)
        smooth = float(n > 1)
        hits = (ours & ngrams(wanted, n)).total() + smooth
        if not hits:
            return 0.0
        logs += math.log(hits / (ours.total() + smooth)) / 4
    brevity = min(0.0, 1 - len(wanted) / len(said))
    return math.exp(logs + brevity)


def ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def f1(hits: float, ours: int, theirs: int) -> float:
    return 2 * hits / (ours + theirs) if ours and theirs else 0.0
