//! The shape of a script: what tells one finding from another, and what is told of it in one line.

use serde_json::Value;

use super::{brief::brief, scenario::Scenario};

/// From here on a number is a large one: no honest server sends as much in one message.
const LARGE: i64 = 0x7fff;

/// The script with its numbers and texts by their kind: two scenarios of the same shape are one finding.
pub(super) fn shape(scenario: &Scenario) -> String {
    let mut json = brief(&scenario.script);
    if let Some(script) = json.as_object_mut() {
        // How long the server waits is no part of what it does.
        script.shift_remove("idle_timeout_ms");
    }
    blur(&mut json);
    format!("{json} {}", if scenario.rules.is_empty() { "" } else { "on a bad wire" })
}

fn blur(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let kind = match number.as_i64() {
                Some(number) if number < 0 => "negative",
                Some(number) if number < 4 => "small",
                Some(number) if number < LARGE => "number",
                _ => "large",
            };
            *value = kind.into();
        }
        Value::String(text) => {
            let is_name =
                text.len() > 1 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if !is_name {
                *value = "text".into();
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(blur);
            // Ten of them break what nine do.
            items.dedup();
        }
        Value::Object(fields) => fields.values_mut().for_each(blur),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What the server does, in a few words: the sections and messages that are not an honest server's.
pub(super) fn words(scenario: &Scenario) -> String {
    let json = brief(&scenario.script);
    let connections = json["connections"].as_array().cloned().unwrap_or_default();
    let several = connections.len() > 1;
    let mut words = Vec::new();
    for (number, connection) in connections.iter().enumerate() {
        let prefix = if several { format!("connection {}: ", number + 1) } else { String::new() };
        for (section, value) in connection.as_object().into_iter().flatten() {
            let said = match section.as_str() {
                "edits" => {
                    value.as_array().into_iter().flatten().map(edit).collect::<Vec<_>>().join(", ")
                }
                "tls" => format!("TLS {}", without_quotes(value)),
                "session" => {
                    let on = value.as_array().into_iter().flatten().map(|case| {
                        format!("on {}: {}", without_quotes(&case["on"]), names(&case["do"]))
                    });
                    on.collect::<Vec<_>>().join(", ")
                }
                section => format!("{section}: {}", names(value)),
            };
            words.push(format!("{prefix}{said}"));
        }
    }
    words.extend(scenario.rules.iter().map(|rule| {
        let json = serde_json::to_value(rule).unwrap_or_default();
        format!("wire: {}", json["rule"].as_str().unwrap_or_default())
    }));
    if words.is_empty() { "an honest server".to_owned() } else { words.join("; ") }
}

fn edit(edit: &Value) -> String {
    let message = edit["message"].as_str().unwrap_or_default();
    match &edit["edit"] {
        Value::String(what) => format!("{what} {message}"),
        Value::Object(fields) => {
            let each = fields.iter().map(|(what, contents)| match what.as_str() {
                "replace" => format!("{} in place of {message}", names(contents)),
                what => format!("{} {what} {message}", names(contents)),
            });
            each.collect()
        }
        _ => message.to_owned(),
    }
}

/// The names of steps and contents, in their order.
fn names(value: &Value) -> String {
    let mut found = Vec::new();
    collect_names(value, &mut found);
    if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
}

/// As long as a text is told.
const LONGEST: usize = 24;

fn collect_names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(name) => found.push(name.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "send" => collect_names(field, found),
                    "text" | "hex" => {
                        let text: String =
                            field.as_str().unwrap_or_default().chars().take(LONGEST).collect();
                        found.push(format!("{text:?}"));
                    }
                    "repeat" => {
                        collect_names(
                            if field["contents"].is_null() {
                                &field["steps"]
                            } else {
                                &field["contents"]
                            },
                            found,
                        );
                        if let Some(last) = found.last_mut() {
                            last.push_str(" repeated");
                        }
                    }
                    "expect" | "wait" => found.push(format!("{name} {}", without_quotes(field))),
                    "if" => {
                        collect_names(&field["then"], found);
                        collect_names(&field["else"], found);
                    }
                    name => found.push(name.to_owned()),
                }
            }
        }
        _ => {}
    }
}

fn without_quotes(value: &Value) -> String {
    value.to_string().replace('"', "")
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::script::Script;

    use super::*;

    fn scenario(script: &str) -> Scenario {
        Scenario { script: Script::from_json(script).expect("a script"), ..Scenario::default() }
    }

    #[test]
    fn numbers_of_one_kind_have_one_shape() {
        let of = |length: i32| {
            let edit = format!(r#"{{"replace": [{{"data_row": {{"length": {length}}}}}]}}"#);
            scenario(&format!(
                r#"{{"connections": [{{"edits": [{{"message": "data_row", "edit": {edit}}}]}}]}}"#
            ))
        };
        assert_eq!(shape(&of(2)), shape(&of(3)));
        assert_ne!(shape(&of(2)), shape(&of(-3)));
        assert_eq!(words(&of(2)), "data_row in place of data_row");
    }

    #[test]
    fn a_script_is_told_in_words() {
        let text = r#"{"connections": [{"ssl_request": [{"send": [{"text": "S"}, "authentication_ok"]}, "handshake"]}]}"#;
        assert_eq!(words(&scenario(text)), r#"ssl_request: "S", authentication_ok, handshake"#);
        assert_eq!(words(&scenario("{}")), "an honest server");
    }
}
