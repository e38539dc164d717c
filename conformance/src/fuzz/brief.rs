//! A script in short: what an honest server does as well is left out.

use pgtls_mock_server::script::{Conversation, Script};
use serde_json::{Map, Value};

/// The script's JSON without what it need not say.
pub(super) fn brief(script: &Script) -> Value {
    let whole = serde_json::to_value(script).unwrap_or_default();
    let honest = serde_json::to_value(Conversation::default()).unwrap_or_default();
    let Value::Object(mut whole) = whole else { return whole };
    if let Some(Value::Array(connections)) = whole.get_mut("connections") {
        for connection in connections.iter_mut() {
            shorten(connection, &honest);
        }
        // Behind the last one all are like it.
        while connections.len() > 1 && connections.last() == connections.get(connections.len() - 2)
        {
            connections.pop();
        }
    }
    Value::Object(whole)
}

fn shorten(connection: &mut Value, honest: &Value) {
    let Some(sections) = connection.as_object_mut() else { return };
    let kept: Map<String, Value> = std::mem::take(sections)
        .into_iter()
        .filter(|(name, section)| honest.get(name) != Some(section))
        .map(|(name, section)| match (name.as_str(), honest.get("tls")) {
            ("tls", Some(honest)) => (name, without_defaults(section, honest)),
            _ => (name, section),
        })
        .collect();
    *sections = kept;
}

fn without_defaults(value: Value, defaults: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, field)| defaults.get(name) != Some(field))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::script;

    use super::*;

    #[test]
    fn a_brief_script_is_the_same_script() {
        for named in script::all() {
            let text = brief(&named.script).to_string();
            let read = Script::from_json(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read, named.script, "{}", named.name);
        }
        assert_eq!(
            brief(&Script::always(Conversation::default())).to_string(),
            r#"{"connections":[{}]}"#
        );
    }
}
