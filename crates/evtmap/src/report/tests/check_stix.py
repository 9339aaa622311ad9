"""Validates a bundle with OASIS's stix2-validator, and looks whether what it refers to is there."""

import json

from stix2validator import ValidationOptions, validate_file

# The pages that a rule refers to have no digests (302): we did not fetch them.
options = ValidationOptions(version="2.1", disabled=["302"])
results = validate_file("a.stix.json", options)
problems = [str(results.fatal)] if results.fatal else []
for result in results.object_results:
    problems += [str(error) for error in result.errors] + [str(warning) for warning in result.warnings]
assert results.is_valid and not problems, "\n".join(problems[:20])

bundle = json.load(open("a.stix.json", encoding="utf-8"))
ids = {thing["id"] for thing in bundle["objects"]}
assert len(ids) == len(bundle["objects"]), "an object is there twice"
for thing in bundle["objects"]:
    for name, value in thing.items():
        if name.endswith("_ref") or name.endswith("_refs"):
            for reference in [value] if isinstance(value, str) else value:
                assert reference in ids or reference.startswith("attack-pattern--"), (thing["id"], reference)
assert any(thing["type"] == "sighting" for thing in bundle["objects"])
