//! Reading a file of variables: `variables` and, in a rule set's own files, `frameworks`.

use std::collections::BTreeMap;

use kensa_core::Value;

use super::{Declaration, Layer, Tier, VariableTable, VariableType, is_name};
use crate::load::diagnostic::{Level, suggestion};
use crate::load::yaml::{Entry, Node, Source, Span, Yaml};

/// Adds the variables of `source` to `table`; what is wrong with the file is in `source.found`.
///
/// Files of the tiers [`Tier::Defaults`] and [`Tier::RulesD`] may declare variables and have framework
/// sections; of others only the key `variables` is read.
pub(crate) fn read_file(table: &mut VariableTable, source: &mut Source<'_>, tier: Tier) {
    let root = source.parse();
    // Which values are secret is not known yet.
    source.found.iter_mut().for_each(|diagnostic| diagnostic.source_line.clear());
    let Some(root) = root else { return };
    if root.is_null() {
        return;
    }
    let Yaml::Map(entries) = &root.yaml else {
        source.report(
            Level::Error,
            "not-a-mapping",
            root.span,
            format!("a file of variables is a mapping, not {}", root.kind()),
        );
        return;
    };
    let own = matches!(tier, Tier::Defaults | Tier::RulesD);
    for entry in entries {
        match &*entry.key {
            "variables" => read_section(table, source, tier, None, &entry.value),
            "frameworks" if own => {
                for section in map_of(source, "frameworks", &entry.value) {
                    let tier = if tier == Tier::Defaults { Tier::Framework } else { tier };
                    read_section(table, source, tier, Some(&section.key), &section.value);
                }
            }
            _ if !own => {}
            key => {
                let help = suggestion(key, ["variables", "frameworks"]);
                let message = format!("a file of variables has no key `{key}`");
                source.report_with(Level::Error, "unknown-key", entry.span, message, help);
            }
        }
    }
}

fn read_section(
    table: &mut VariableTable,
    source: &mut Source<'_>,
    tier: Tier,
    framework: Option<&str>,
    node: &Node<'_>,
) {
    let mut values = BTreeMap::new();
    let may_declare = framework.is_none() && matches!(tier, Tier::Defaults | Tier::RulesD);
    for entry in map_of(source, framework.unwrap_or("variables"), node) {
        if !is_name(&entry.key) {
            let message = format!(
                "`{}` cannot name a variable: a letter, then letters, digits and underscores",
                entry.key
            );
            source.report(Level::Error, "invalid-variable", entry.span, message);
            continue;
        }
        let value = if may_declare && !table.declared.contains_key(&*entry.key) {
            let (declaration, value) = declare(source, entry);
            table.declare(&entry.key, declaration);
            value
        } else {
            entry.value.to_value()
        };
        let declaration = table.declaration(&entry.key).into_owned();
        match value {
            Value::Null if declaration.required || (may_declare && is_mapping(&entry.value)) => {}
            value => match declaration.check(&value) {
                Ok(()) => drop(values.insert(entry.key.to_string(), value)),
                Err(message) => refuse(source, entry, &declaration, entry.value.span, message),
            },
        }
    }
    let origin = source.path.display().to_string();
    table.push(Layer { tier, framework: framework.map(str::to_owned), origin, values });
}

fn is_mapping(node: &Node<'_>) -> bool {
    matches!(node.yaml, Yaml::Map(_))
}

fn refuse(
    source: &mut Source<'_>,
    entry: &Entry<'_>,
    declaration: &Declaration,
    span: Span,
    message: String,
) {
    let span = if span.line == 0 { entry.span } else { span };
    source.report(Level::Error, "variable-type", span, format!("variable `{}`: {message}", entry.key));
    if declaration.sensitive
        && let Some(last) = source.found.last_mut()
    {
        last.source_line.clear();
    }
}

const DECLARATION_KEYS: [&str; 7] = ["default", "type", "min", "max", "sensitive", "required", "description"];

/// A variable's first mention: a plain value, which gives it its type, or a mapping.
fn declare(source: &mut Source<'_>, entry: &Entry<'_>) -> (Declaration, Value) {
    let Yaml::Map(keys) = &entry.value.yaml else {
        let value = entry.value.to_value();
        return (Declaration { kind: VariableType::of(&value), ..Declaration::default() }, value);
    };
    let mut declaration = Declaration::default();
    let mut default = Value::Null;
    let found_before = source.found.len();
    for key in keys {
        let value = key.value.to_value();
        let fits = match (&*key.key, &value) {
            ("default", _) => {
                default = value;
                continue;
            }
            ("type", Value::Text(name)) => {
                declaration.kind = VariableType::from_name(name);
                declaration.kind.is_some()
            }
            ("min", Value::Int(number)) => declaration.min.replace(*number).is_none(),
            ("max", Value::Int(number)) => declaration.max.replace(*number).is_none(),
            ("sensitive", Value::Bool(flag)) => {
                declaration.sensitive = *flag;
                true
            }
            ("required", Value::Bool(flag)) => {
                declaration.required = *flag;
                true
            }
            ("description", Value::Text(text)) => {
                declaration.description.clone_from(text);
                true
            }
            (name, _) if !DECLARATION_KEYS.contains(&name) => {
                let message = format!("a variable has no key `{name}`");
                let help = suggestion(name, DECLARATION_KEYS);
                source.report_with(Level::Error, "unknown-key", key.span, message, help);
                true
            }
            _ => false,
        };
        if !fits {
            let wanted = match &*key.key {
                "type" => "integer, boolean, string or list",
                "min" | "max" => "an integer",
                "description" => "text",
                _ => "true or false",
            };
            source.report(Level::Error, "wrong-type", key.value.span, format!("`{}` is {wanted}", key.key));
        }
    }
    if declaration.kind.is_none() {
        declaration.kind = VariableType::of(&default);
    }
    if declaration.sensitive {
        source.found.iter_mut().skip(found_before).for_each(|diagnostic| diagnostic.source_line.clear());
    }
    (declaration, default)
}

fn map_of<'n, 't>(source: &mut Source<'_>, key: &str, node: &'n Node<'t>) -> &'n [Entry<'t>] {
    match &node.yaml {
        Yaml::Map(entries) => entries,
        _ if node.is_null() => &[],
        _ => {
            source.report(
                Level::Error,
                "wrong-type",
                node.span,
                format!("`{key}` is a mapping, not {}", node.kind()),
            );
            &[]
        }
    }
}
