"""Reads Detection Findings with the models of OCSF, and looks for members that the models do not know."""

import json
import typing

import pydantic
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

# What OCSF 1.5.0 has and the models leave out.
ALSO = {"DetectionFinding.is_alert", "Metadata.event_code", "FindingInformation.attacks"}


def models(annotation):
    """The models in the type of a member."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in models(argument)]


def check(value, model):
    for name, member in value.items():
        path = f"{model.__name__}.{name}"
        field = model.model_fields.get(name)
        if field is None:
            assert path in ALSO, f"{path} is not known to OCSF"
            continue
        within = models(field.annotation)
        if len(within) == 1:
            for entry in member if isinstance(member, list) else [member]:
                if isinstance(entry, dict):
                    check(entry, within[0])


for line in open("a.ocsf.jsonl", encoding="utf-8", newline="\n"):
    finding = json.loads(line)
    DetectionFinding.model_validate(finding)
    check(finding, DetectionFinding)
    assert finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"]
    assert finding["category_uid"] == finding["class_uid"] // 1000
    for attack in finding["finding_info"].get("attacks", []):
        assert attack, finding
