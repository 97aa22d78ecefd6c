//! The benchmarks with a control list in `rules/mappings/controls/`.

/// A benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Benchmark {
    /// Also the name of its control list and of its mapping file.
    pub id: &'static str,
    /// The family, as mappings name it.
    pub framework: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Date of publication where it is known for certain.
    pub published: Option<&'static str>,
    /// Family and major version of the one system it is for.
    pub system: Option<(&'static str, u32)>,
    /// Where rules cite its controls.
    pub reference: Reference,
    /// What a control of it is.
    pub kind: Kind,
    /// How a control is named in a sentence, before its id.
    pub short: &'static str,
}

/// Where in a rule's `references` the controls of a benchmark stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `cis`, under this key.
    Cis(&'static str),
    /// `stig`, under this key.
    Stig(&'static str),
    /// A list of its own.
    List(&'static str),
    /// Nowhere: the control list names upstream rules (`ssg`) or controls of other frameworks instead.
    Joined,
}

/// What the controls of a benchmark ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Settings of one host: a rule can answer a control in full.
    Settings,
    /// Duties of an organisation: what one host shows is a part of any control.
    Duties,
}

const fn of(
    id: &'static str,
    framework: &'static str,
    title: &'static str,
    system: Option<(&'static str, u32)>,
    reference: Reference,
    kind: Kind,
    short: &'static str,
) -> Benchmark {
    Benchmark { id, framework, title, published: None, system, reference, kind, short }
}

const fn cis(
    id: &'static str,
    title: &'static str,
    system: (&'static str, u32),
    key: &'static str,
) -> Benchmark {
    of(id, "cis", title, Some(system), Reference::Cis(key), Kind::Settings, "CIS")
}

const fn stig(
    id: &'static str,
    title: &'static str,
    system: (&'static str, u32),
    key: &'static str,
) -> Benchmark {
    of(id, "stig", title, Some(system), Reference::Stig(key), Kind::Settings, "STIG")
}

const fn duties(
    id: &'static str,
    framework: &'static str,
    title: &'static str,
    reference: Reference,
    short: &'static str,
) -> Benchmark {
    of(id, framework, title, None, reference, Kind::Duties, short)
}

/// Every benchmark, in the order they are shown.
pub const BENCHMARKS: &[Benchmark] = &[
    cis("cis-rhel9-v2.0.0", "CIS Benchmark for Red Hat Enterprise Linux 9, v2.0.0", ("rhel", 9), "rhel9_v2"),
    cis("cis-rhel8-v4.0.0", "CIS Benchmark for Red Hat Enterprise Linux 8, v4.0.0", ("rhel", 8), "rhel8_v4"),
    cis("cis-ubuntu-22.04-v2.0.0", "CIS Benchmark for Ubuntu 22.04, v2.0.0", ("ubuntu", 22), "ubuntu22_v2"),
    cis("cis-ubuntu-24.04-v1.0.0", "CIS Benchmark for Ubuntu 24.04, v1.0.0", ("ubuntu", 24), "ubuntu24_v1"),
    cis("cis-debian-12-v1.1.0", "CIS Benchmark for Debian 12, v1.1.0", ("debian", 12), "debian12_v1_1"),
    stig("stig-rhel9-v2r7", "DISA STIG for Red Hat Enterprise Linux 9, V2R7", ("rhel", 9), "rhel9_v2r7"),
    stig("stig-rhel8-v2r8", "DISA STIG for Red Hat Enterprise Linux 8, V2R8", ("rhel", 8), "rhel8_v2r8"),
    // Every item of this release keeps its number in the later one, which is the one rules cite.
    stig("stig-rhel8-v2r6", "DISA STIG for Red Hat Enterprise Linux 8, V2R6", ("rhel", 8), "rhel8_v2r8"),
    stig("stig-ubuntu-22.04-v2r8", "DISA STIG for Ubuntu 22.04, V2R8", ("ubuntu", 22), "ubuntu22_v2r8"),
    stig("stig-ubuntu-24.04-v1r5", "DISA STIG for Ubuntu 24.04, V1R5", ("ubuntu", 24), "ubuntu24_v1r5"),
    Benchmark {
        published: Some("2020-09-23"),
        ..duties(
            "nist-800-53-r5",
            "nist_800_53",
            "NIST SP 800-53 Revision 5",
            Reference::List("nist_800_53"),
            "NIST",
        )
    },
    duties(
        "fedramp-moderate",
        "fedramp",
        "FedRAMP Revision 5, Moderate baseline",
        Reference::List("fedramp_moderate"),
        "FedRAMP",
    ),
    Benchmark {
        published: Some("2022-03-31"),
        ..duties("pci-dss-v4.0", "pci_dss", "PCI DSS v4.0", Reference::List("pci_dss_4"), "PCI DSS")
    },
    Benchmark {
        published: Some("2020-02-21"),
        ..duties(
            "nist-800-171-r2",
            "nist_800_171",
            "NIST SP 800-171 Revision 2",
            Reference::List("nist_800_171"),
            "NIST 800-171",
        )
    },
    duties("cmmc-l2", "cmmc", "CMMC 2.0, level 2", Reference::Joined, "CMMC"),
    Benchmark {
        published: Some("2022-10-25"),
        ..duties("iso-27001-2022", "iso_27001", "ISO/IEC 27001:2022, Annex A", Reference::Joined, "ISO 27001")
    },
    duties("hipaa", "hipaa", "HIPAA Security Rule", Reference::Joined, "HIPAA"),
];

impl Benchmark {
    /// Whether rules name its controls under a key that is its own, so that its mapping says nothing new of them.
    pub(crate) fn is_cited(&self) -> bool {
        let first = BENCHMARKS.iter().find(|other| other.reference == self.reference);
        self.reference != Reference::Joined && first.is_some_and(|first| first.id == self.id)
    }

    /// The benchmark called `id`.
    pub fn named(id: &str) -> Option<&'static Benchmark> {
        BENCHMARKS.iter().find(|benchmark| benchmark.id == id)
    }
}
