"""Checks the reports of `validate` with parsers that are not ours: reports.py KIND FILE."""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

LEVELS = {"none", "note", "warning", "error"}


def junit(data):
    """What Jenkins, GitLab and GitHub's actions ask of JUnit XML; prints what they would show."""
    root = ElementTree.fromstring(data)
    assert root.tag == "testsuites"
    shown = []
    for suite in root:
        assert suite.tag == "testsuite" and suite.get("name")
        cases = list(suite)
        assert all(case.tag == "testcase" for case in cases)
        for owner in (root, suite):
            assert int(owner.get("tests")) == len(cases)
            for key, tag in (("failures", "failure"), ("errors", "error")):
                assert int(owner.get(key)) == sum(case.find(tag) is not None for case in cases)
            float(owner.get("time"))
        assert int(suite.get("skipped")) == 0
        for case in cases:
            assert case.get("classname") and case.get("name") is not None
            float(case.get("time"))
            assert len(case) <= 1
            for part in case:
                assert part.tag in ("failure", "error") and part.get("type") and part.get("message")
            shown.append([case.get("name"), *([(p.tag, p.get("type"), p.get("message"), p.text) for p in case])])
    print(json.dumps(shown))


def is_uri(text):
    """Whether a text is a URI reference: only its characters, percent signs with two digits."""
    return re.fullmatch(r"(?:[A-Za-z0-9\-._~/:@!$&'()*+,;=]|%[0-9A-F]{2})+", text) is not None


def sarif(data):
    """The required properties of the schema of SARIF 2.1.0, and what GitHub wants beyond."""
    log = json.loads(data)
    assert log["version"] == "2.1.0" and is_uri(log["$schema"])
    (run,) = log["runs"]
    assert set(run) <= {"tool", "invocations", "artifacts", "results", "columnKind"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver["name"] and driver["version"]
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        for key in ("shortDescription", "fullDescription", "help"):
            assert rule[key]["text"].endswith(".")
        assert rule["defaultConfiguration"]["level"] in LEVELS
    assert [type(i["executionSuccessful"]) for i in run["invocations"]] == [bool]
    for artifact in run["artifacts"]:
        assert is_uri(artifact["location"]["uri"]) and artifact.get("length", 0) >= -1
    prints = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS and result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        at = physical["artifactLocation"]
        assert run["artifacts"][at["index"]]["location"]["uri"] == at["uri"]
        region = physical["region"]
        assert region["startLine"] >= 1 and region.get("byteOffset", 0) >= 0
        assert ("byteOffset" in region) == ("byteLength" in region)
        for logical in location.get("logicalLocations", []):
            assert set(logical) == {"name", "fullyQualifiedName", "kind"}
        (fingerprint,) = result["partialFingerprints"].values()
        assert re.fullmatch("[0-9a-f]{64}", fingerprint)
        prints.add(fingerprint)
    assert len(prints) == len(run["results"])
    print(json.dumps([[r["ruleId"], r["message"]["text"]] for r in run["results"]]))


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        {"junit": junit, "sarif": sarif}[sys.argv[1]](file.read())
