"""The questions as OVAL content of our own, for `oscap`: those of the kinds OVAL has a test for."""

from xml.sax.saxutils import escape, quoteattr

OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
HEAD = f"""<oval_definitions xmlns="{OVAL}" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" xmlns:ind="{OVAL}#independent"
 xmlns:unix="{OVAL}#unix" xmlns:linux="{OVAL}#linux"><generator><oval:product_name>bench</oval:product_name>
<oval:schema_version>5.11</oval:schema_version><oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>
"""


def content(checks):
    """An OVAL document and how many of the checks it asks."""
    definitions, tests, objects, states = [], [], [], []
    for check, _ in checks:
        asked = one(check)
        if not asked:
            continue
        kind, what, state = asked
        number = len(tests) + 1
        name = lambda part: f"oval:bench:{part}:{number}"
        ends = kind.split(":")
        comment = 'version="1" comment="bench"'
        condition = f'<{ends[0]}:state state_ref="{name("ste")}"/>' if state else ""
        existence = "at_least_one_exists" if state else "all_exist"
        tests.append(f'<{kind}_test id="{name("tst")}" {comment} check="all" check_existence="{existence}"><{ends[0]}:object object_ref="{name("obj")}"/>{condition}</{kind}_test>')
        objects.append(f'<{kind}_object id="{name("obj")}" version="1">{what}</{kind}_object>')
        if state:
            states.append(f'<{kind}_state id="{name("ste")}" version="1">{state}</{kind}_state>')
        definitions.append(
            f'<definition id="{name("def")}" version="1" class="compliance"><metadata><title>bench</title><description>bench</description></metadata>'
            f'<criteria><criterion test_ref="{name("tst")}"/></criteria></definition>'
        )
    parts = {"definitions": definitions, "tests": tests, "objects": objects, "states": states}
    body = "".join(f"<{part}>\n" + "\n".join(lines) + f"\n</{part}>\n" for part, lines in parts.items())
    return HEAD + body + "</oval_definitions>\n", len(tests)


def one(check):
    """Kind, object and state of a check; `None` where OVAL has no like."""
    text = lambda key: escape(str(check[key]))
    match check["method"]:
        case "file_content_match":
            what = f'<ind:filepath>{text("path")}</ind:filepath><ind:pattern operation="pattern match">{text("pattern")}</ind:pattern><ind:instance datatype="int">1</ind:instance>'
            return "ind:textfilecontent54", what, None
        case "file_permission":
            state = '<unix:user_id datatype="int">0</unix:user_id><unix:gwrite datatype="boolean">false</unix:gwrite><unix:owrite datatype="boolean">false</unix:owrite>'
            return "unix:file", f'<unix:filepath>{text("path")}</unix:filepath>', state
        case "file_exists":
            return "unix:file", f'<unix:filepath>{text("path")}</unix:filepath>', None
        case "sysctl_value":
            return "unix:sysctl", f'<unix:name>{text("key")}</unix:name>', f'<unix:value>{text("expected")}</unix:value>'
        case "package_state":
            return "linux:dpkginfo", f'<linux:name>{text("name")}</linux:name>', None
    return None
