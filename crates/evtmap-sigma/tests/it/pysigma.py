"""Answers questions about Sigma with pySigma: a JSON object a line in, a JSON value a line out.

Exits with 77 when pySigma is not installed.
"""

import itertools
import json
import re
import sys

try:
    from sigma.conditions import ConditionAND, ConditionNOT, ConditionOR
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaDetectionItem, SigmaRule
    from sigma.types import SigmaExpansion, SpecialChars
except ImportError:
    sys.exit(77)


def parts(string):
    """A string as texts in brackets and wildcards; neighbouring texts are one, and so are stars."""
    signs = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
    shown = ""
    for is_text, group in itertools.groupby(string.s, lambda part: part not in signs):
        if is_text:
            text = "".join(group)
            shown += f"[{text}]" if text else ""
        else:
            shown += re.sub(r"\*+", "*", "".join(signs[part] for part in group))
    return shown


def values(question):
    """The strings that the modifiers of a key make of a value."""
    item = SigmaDetectionItem.from_mapping(question["key"], question["value"])
    texts = []
    for value in item.value:
        texts.extend(value.values if isinstance(value, SigmaExpansion) else [value])
    return [parts(text) for text in texts]


def holds(condition, true):
    """Whether a condition holds when the selections of these names do."""
    if isinstance(condition, ConditionNOT):
        return not holds(condition.args[0], true)
    if isinstance(condition, ConditionAND):
        return all(holds(arg, true) for arg in condition.args)
    if isinstance(condition, ConditionOR):
        return any(holds(arg, true) for arg in condition.args)
    return condition.field in true


def table(question):
    """For each subset of the names, in binary order, whether the condition holds."""
    names = question["names"]
    detection = {name: {name: "x"} for name in names}
    detection["condition"] = question["condition"]
    rule = SigmaRule.from_dict({"title": "Case", "logsource": {"product": "windows"}, "detection": detection})
    condition = rule.detection.parsed_condition[0].parsed
    bits = []
    for chosen in itertools.product([False, True], repeat=len(names)):
        true = {name for name, bit in zip(names, chosen) if bit}
        bits.append("1" if holds(condition, true) else "0")
    return "".join(bits)


for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = table(question) if "condition" in question else values(question)
    except SigmaError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
