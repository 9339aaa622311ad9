"""Reads a layer with the library that MITRE keeps for the Navigator's layers: it takes only what they may
have, and writes again what it read."""

import json

from mitreattack.navlayers import Layer

with open("a.navigator.json", encoding="utf-8") as file:
    written = json.load(file)
layer = Layer(json.loads(json.dumps(written)), strict=True)
assert layer.to_dict() == written, (layer.to_dict(), written)

with open("a.jsonl", encoding="utf-8") as file:
    alerts = [json.loads(line) for line in file]
told = {technique["id"] for alert in alerts for technique in alert["techniques"]}
shown = {technique.techniqueID for technique in layer.layer.techniques}
assert shown and shown <= told, (shown, told)
