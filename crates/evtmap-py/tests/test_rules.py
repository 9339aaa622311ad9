"""Rules and ATT&CK: loading, checking, pickling."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import evtmap
import pytest

RULE = """\
title: Odd Logon
id: 7c1e6c0e-2a5b-4f57-9a10-000000000001
status: test
description: A logon that is odd.
author: Ada Example
date: 2026-01-01
tags: [attack.t1110]
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625, TargetUserName|startswith: al}
  condition: selection
level: high
"""
EVENT = {"Channel": "Security", "EventID": 4625, "TargetUserName": "alice"}


def test_rules_of_texts_files_folders_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    file = folder / "odd.yml"
    file.write_text(RULE)
    archive = tmp_path / "rules.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("odd.yml", RULE)
    for rules in (evtmap.Rules.from_text(RULE), *map(evtmap.Rules.load, (file, folder, archive))):
        assert (len(rules), rules.titles) == (1, ["Odd Logon"])
        [alert] = evtmap.map(EVENT, rules)
        assert (alert.title, alert.severity, alert.rule_author) == ("Odd Logon", "high", "Ada Example")
    assert evtmap.map(EVENT, str(file))[0].title == "Odd Logon"
    assert evtmap.map(EVENT, [folder])[0].title == "Odd Logon"


def test_rules_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(RULE)
    (tmp_path / "bad.yml").write_text(RULE.replace("condition: selection", "condition: nothing").replace("01", "02"))
    with pytest.warns(evtmap.RuleWarning, match="1 rule is not used: cannot be used as written; the first is .*bad.yml"):
        rules = evtmap.Rules.load(tmp_path)
    assert len(rules) == 1
    [skipped] = rules.skipped
    assert skipped["path"].endswith("bad.yml") and "line 11" in skipped["detail"]
    with pytest.raises(evtmap.RulesError, match="no rule of .* can be used") as raised:
        evtmap.Rules.load(tmp_path / "bad.yml")
    error = raised.value
    assert error.file is not None and error.file.endswith("bad.yml")
    assert error.line == 11 and error.help
    with pytest.raises(evtmap.RulesError, match="there is no such file"):
        evtmap.Rules.load("missing")
    with pytest.raises(evtmap.OptionError):
        evtmap.Rules.load()


def test_checking(tmp_path: Path) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(RULE.replace("condition: selection", "condition: nothing"))
    found = evtmap.Rules.check(file)
    errors = [problem for problem in found if problem["gravity"] == "error"]
    assert errors and errors[0]["path"] == str(file) and errors[0]["line"] == 11
    file.write_text(RULE)
    assert not [problem for problem in evtmap.Rules.check(file) if problem["gravity"] == "error"]


def test_errors_can_be_pickled() -> None:
    with pytest.raises(evtmap.RulesError) as raised:
        evtmap.Rules.load("missing")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again), again.file) == (evtmap.RulesError, str(raised.value), "missing")


def test_pickles_need_no_files(tmp_path: Path) -> None:
    file = tmp_path / "odd.yml"
    file.write_text(RULE)
    pickled = pickle.dumps(evtmap.Scanner(file, min_severity="high"))
    file.unlink()
    scanner = pickle.loads(pickled)
    assert [alert.title for alert in scanner.map(EVENT)] == ["Odd Logon"]
    assert scanner.options == {"min_severity": "high"}
    assert len(pickle.loads(pickle.dumps(evtmap.Rules.default()))) == len(evtmap.Rules.default()) > 900
    assert len(pickle.dumps(evtmap.Scanner())) < 1000


def test_attack(tmp_path: Path) -> None:
    attack = evtmap.Attack.default()
    technique = attack.technique("t1059.001")
    assert (technique.id, technique.name, technique.parent) == ("T1059.001", "PowerShell", "T1059")
    assert technique.tactics == ["Execution"]
    assert technique.url == "https://attack.mitre.org/techniques/T1059/001"
    assert technique.description
    assert technique == pickle.loads(pickle.dumps(attack)).technique("T1059.001")
    assert len(attack.tactics) > 10 and len(attack.techniques) > 500
    assert attack.version is not None and re.fullmatch(r"\d+\.\d+", attack.version)
    for unknown in ("T9999", "", "nonsense", "T1059.999"):
        with pytest.raises(KeyError):
            attack.technique(unknown)
    with pytest.raises(evtmap.AttackError, match="there is no such file"):
        evtmap.Attack.load("missing.json")
    bundle = tmp_path / "bundle.json"
    bundle.write_text("{}")
    with pytest.raises(evtmap.AttackError) as raised:
        evtmap.Attack.load(bundle)
    assert raised.value.file == str(bundle)


def test_a_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text(
        """{"type": "bundle", "id": "bundle--0", "objects": [
        {"type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "name": "Acting", "x_mitre_shortname": "acting",
         "external_references": [{"source_name": "mitre-attack", "external_id": "TA0001"}]},
        {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Doing", "description": "It is done.",
         "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "acting"}],
         "external_references": [{"source_name": "mitre-attack", "external_id": "T1110"}]}]}"""
    )
    attack = evtmap.Attack.load(bundle)
    assert attack.technique("T1110").name == "Doing"
    [alert] = evtmap.map(EVENT, evtmap.Rules.from_text(RULE), pickle.loads(pickle.dumps(attack)))
    assert alert.technique_names == ["Doing"]
