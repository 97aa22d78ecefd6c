"""Framework mappings. See `kensa.mappings`."""

from kensa.mappings import (
    CoverageReport,
    FrameworkIndex,
    FrameworkMapping,
    FrameworkReference,
    MappingEntry,
    PlatformConstraint,
    UnimplementedEntry,
    build_rule_to_section_map,
    check_coverage,
    get_applicable_mappings,
    load_all_mappings,
    load_mapping,
    order_by_framework,
    order_results_by_section,
    rules_for_framework,
)

__all__ = [
    "CoverageReport",
    "FrameworkIndex",
    "FrameworkMapping",
    "FrameworkReference",
    "MappingEntry",
    "PlatformConstraint",
    "UnimplementedEntry",
    "build_rule_to_section_map",
    "check_coverage",
    "get_applicable_mappings",
    "load_all_mappings",
    "load_mapping",
    "order_by_framework",
    "order_results_by_section",
    "rules_for_framework",
]
