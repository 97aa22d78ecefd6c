#!/usr/bin/env python3
"""Writes rules/mappings/controls/*.csv, the control lists of the benchmarks, from a folder of fact tables.

    tools/controls.py FACTS [OUT]

The tables hold identifiers, levels and marks, and so do the lists: no title and no sentence of a benchmark. The
words in the column `reason` are this project's. Needs nothing but Python's standard library.

Columns of a list:
  control_id   the id mappings use: a section, a V- number, a requirement number
  other_id     a second name: the STIG id
  level        L1 or L2 (CIS), the baselines (NIST)
  severity     CAT I, CAT II, CAT III (STIG)
  assessment   Automated or Manual (CIS)
  cci          CCI numbers
  ssg          upstream rule names that serve the control, for frameworks that rules do not cite by number
  via          controls of other frameworks that stand for this one, as framework:control
  type         why no rule, or not a rule alone, can answer: manual, not_applicable, organisational, partial
  reason       the same as a sentence
Lists inside a cell are separated by `|`.
"""

import csv
import re
import sys
from pathlib import Path

COLUMNS = ["control_id", "other_id", "level", "severity", "assessment", "cci", "ssg", "via", "type", "reason"]

MANUAL = ("manual", "the benchmark marks it Manual: somebody has to judge what is right for this host")
PART = ("partial", "a part of it can be read from the host, the rest has to be judged by somebody")
CHANGED = ("partial", "later releases ask for something else here, and rules follow the latest")
MET = ("not_applicable", "the system meets it by the way it is built, so there is nothing to measure")
NO_SUCH = ("not_applicable", "the system has no such component in this release")
PROCESS = ("organisational", "it asks for a process, a person or a document, which no single host can show")
PLACE = ("organisational", "it is about premises and equipment, which no host can show")

# Families of SP 800-53 that speak of the organisation, not of one host's configuration.
ORGANISATION = {"AT", "CA", "CP", "IR", "PE", "PL", "PM", "PS", "PT", "RA", "SA", "SR"}
# The same of SP 800-171: awareness, incidents, personnel, premises, risk, assessment.
ORGANISATION_171 = {"3.2", "3.6", "3.9", "3.10", "3.11", "3.12"}
# Annex A of ISO/IEC 27001:2022 as it is numbered.
ISO_THEMES = {5: 37, 6: 8, 7: 14, 8: 34}
# Organisational controls of theme 5 that a host's access rules show in part.
ISO_ACCESS = {"A.5.15", "A.5.16", "A.5.17", "A.5.18"}
# Controls that are new in the 2022 edition, by the SP 800-53 controls that say the same.
ISO_NEW = {
    "A.8.9": "nist_800_53:CM-6|nist_800_53:CM-7",
    "A.8.16": "nist_800_53:SI-4|nist_800_53:AU-6",
}
# Sections of the HIPAA Security Rule about contracts, premises and emergencies.
HIPAA_NOT_A_HOST = ("164.308(a)(6)", "164.308(a)(7)", "164.308(a)(8)", "164.308(b)", "164.310(a)", "164.314")


def main(facts, out):
    out.mkdir(parents=True, exist_ok=True)
    lists = {
        "cis-rhel9-v2.0.0": cis(facts, "cis_rhel9"),
        "cis-rhel8-v4.0.0": cis(facts, "cis_rhel8"),
        "cis-ubuntu-22.04-v2.0.0": cis(facts, "cis_ubuntu2204"),
        "cis-ubuntu-24.04-v1.0.0": cis(facts, "cis_ubuntu2404"),
        "cis-debian-12-v1.1.0": cis(facts, "cis_debian12"),
        "stig-rhel9-v2r7": stig(facts, "stig_rhel9", "in_v2r7"),
        "stig-rhel8-v2r8": stig(facts, "stig_rhel8", "in_v2r8"),
        "stig-rhel8-v2r6": stig(facts, "stig_rhel8", "in_v2r6"),
        "stig-ubuntu-22.04-v2r8": stig(facts, "stig_ubuntu2204", "in_v2r8"),
        "stig-ubuntu-24.04-v1r5": stig(facts, "stig_ubuntu2404", "in_v1r5"),
        "nist-800-53-r5": nist_800_53(facts, "nist_low"),
        "fedramp-moderate": nist_800_53(facts, "fedramp_moderate"),
        "pci-dss-v4.0": pci(facts),
        "nist-800-171-r2": nist_800_171(facts, "nist_800_171_r2"),
        "cmmc-l2": nist_800_171(facts, "cmmc_practice"),
        "iso-27001-2022": iso(facts),
        "hipaa": hipaa(facts),
    }
    for name, controls in lists.items():
        with open(out / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(controls, key=lambda control: natural(control["control_id"])))


def table(facts, name):
    with open(facts / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def control(control_id, why=None, **columns):
    kind, reason = why or ("", "")
    return {"control_id": control_id, "type": kind, "reason": reason, **columns}


def cis(facts, name):
    def why(row):
        return {"inherently met": MET, "not applicable": NO_SUCH}.get(row["upstream_status"]) or (
            MANUAL if row["assessment"] == "Manual" else PART if row["upstream_status"] == "partial" else None
        )

    return [
        control(row["control_id"], why(row), level=row["level"], assessment=row["assessment"])
        for row in table(facts, name)
        # Only one of the two sources knows these; they are not in the published benchmark.
        if (name, row["control_id"]) not in {("cis_rhel9", "7.1.14"), ("cis_rhel8", "6.3.3.18")}
    ]


def stig(facts, name, release):
    def why(row):
        # Rules cite the newest release; where other upstream rules served the item before, it was rewritten.
        before = set(row["ssg_slugs_v2r6"].split("|")) - {""} if release == "in_v2r6" else set()
        return CHANGED if before and not before & set(row["ssg_slugs"].split("|")) else None

    return [
        control(row["vuln_id"], why(row), other_id=row["stig_id"], severity="CAT " + row["cat"], cci=row["ccis"])
        for row in table(facts, name)
        if row[release] == "y"
    ]


def nist_800_53(facts, baseline):
    every = baseline == "nist_low"
    baselines = {"nist_low": "low", "nist_moderate": "moderate", "nist_high": "high", "nist_privacy": "privacy"}
    found = []
    for row in table(facts, "nist_800_53_r5"):
        name = row["control"]
        # Withdrawn controls have no CCI; neither do the few that release 5.1.1 added.
        withdrawn = not row["ccis"] and not name.startswith(("IA-13", "SA-24"))
        if withdrawn or not (every or row[baseline] == "y"):
            continue
        family, rest = name.split("-")
        level = "|".join(word for column, word in baselines.items() if row[column] == "y")
        why = PROCESS if rest == "1" or family in ORGANISATION else None
        found.append(control(name, why, level=level, cci=row["ccis"] if every else ""))
    return found


def pci(facts):
    def why(row):
        status = row["upstream_status"]
        return PROCESS if status == "manual" else NO_SUCH if status == "not applicable" else PART if status == "partial" else None

    # Two numbers are a heading over requirements.
    return [
        control(row["requirement"], why(row))
        for row in table(facts, "pcidss_4")
        if row["requirement"].count(".") > 1
    ]


def nist_800_171(facts, column):
    found = []
    for row in table(facts, "nist_800_171_cmmc"):
        number = row["nist_800_171_r2"]
        why = PROCESS if number.rsplit(".", 1)[0] in ORGANISATION_171 else None
        via = "" if column == "nist_800_171_r2" else f"nist_800_171:{number}"
        level = f"level {row['lowest_cmmc_level']}" if via else ""
        found.append(control(row[column], why, via=via, level=level))
    return found


def iso(facts):
    served = {}
    for row in table(facts, "iso27001"):
        served.setdefault(row["iso27001_2022"], set()).update(filter(None, row["ssg_slugs"].split("|")))
    found = []
    for theme, count in ISO_THEMES.items():
        for number in range(1, count + 1):
            name = f"A.{theme}.{number}"
            # Whoever says that a password rule answers the screening of staff says nothing.
            measured = theme == 8 or name in ISO_ACCESS
            why = None if measured else PLACE if theme == 7 else PROCESS
            slugs = "|".join(sorted(served.get(name, ()))) if measured else ""
            found.append(control(name, why, ssg=slugs, via=ISO_NEW.get(name, "")))
    return found


def hipaa(facts):
    found = []
    for row in table(facts, "hipaa"):
        away = row["control_id"].startswith(HIPAA_NOT_A_HOST)
        found.append(control(row["control_id"], PROCESS if away else None, level=row["levels"], ssg="" if away else row["ssg_slugs"]))
    return found


def natural(name):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|[^\d.\-_ ()]+", name)]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent.parent / "rules" / "mappings" / "controls"
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else here)
