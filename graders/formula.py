"""The formula of a multi grader: + - * / ^ and a few functions over the members' scores."""

import math
from collections.abc import Mapping

import simpleeval

from graders.score import GraderError

FUNCTIONS = {
    "min": min, "max": max, "abs": abs, "floor": math.floor, "ceil": math.ceil,
    "exp": math.exp, "sqrt": math.sqrt, "log": math.log,
}  # fmt: skip


def calculate(formula: str, scores: Mapping[str, float]) -> float:
    """Raises GraderError with what is wrong. `^` is a power, as OpenAI writes it."""
    calculator = simpleeval.SimpleEval(names=dict(scores), functions=FUNCTIONS)
    calculator.operators = {
        kind: calculator.operators[kind] for kind in calculator.operators if kind.__name__ in ALLOWED
    }
    try:
        value = calculator.eval(formula.replace("^", "**"))
    except (simpleeval.InvalidExpression, ArithmeticError, ValueError, TypeError, SyntaxError) as error:
        raise GraderError(f"The formula {formula[:120]!r} cannot be calculated: {error}.") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise GraderError(f"The formula {formula[:120]!r} gave {value!r} instead of a number.")
    return float(value)


ALLOWED = {"Add", "Sub", "Mult", "Div", "Pow", "USub", "UAdd"}
