//! What is less of a scenario: every part left out, every number nearer to nothing, every text shorter.
//! It works on JSON, so that it knows of each message and each step that the language has.

use pgtls_mock_server::script::Script;
use serde_json::{Map, Value};

use super::scenario::Scenario;
use crate::axes::{AXES, Axes};

/// Scenarios that are less than this one, the largest cuts first.
pub(super) fn reductions(scenario: &Scenario) -> Vec<Scenario> {
    let json = scenario.to_json();
    let here = measure(&json);
    let plainer = plainer_settings(&scenario.settings)
        .map(|settings| Scenario { settings, ..scenario.clone() });
    let mut values = Vec::new();
    for part in ["rules", "fetch", "script"] {
        less(&json[part], &mut |value| {
            let mut whole = json.clone();
            whole[part] = value;
            values.push(whole);
        });
    }
    values.sort_by_cached_key(measure);
    values.dedup();
    let smaller = values.iter().filter(|value| measure(value) < here);
    let read = smaller.filter_map(|value| read(value, &scenario.settings));
    // What was left out may have been the default, which is written all the same.
    plainer.chain(read.filter(|read| measure(&read.to_json()) < here)).collect()
}

/// What is compared: the text's length, and then its numbers.
fn measure(value: &Value) -> (usize, String) {
    let text = value.to_string();
    (text.len(), text)
}

fn read(value: &Value, settings: &Axes) -> Option<Scenario> {
    Some(Scenario {
        settings: settings.clone(),
        fetch: serde_json::from_value(value["fetch"].clone()).ok()?,
        script: Script::from_json(&value["script"].to_string()).ok()?,
        rules: serde_json::from_value(value["rules"].clone()).ok()?,
    })
}

fn plainer_settings(settings: &Axes) -> impl Iterator<Item = Axes> {
    let default = Axes::default();
    AXES.iter().filter(|axis| !axis.of_server).filter_map(move |axis| {
        let mut plainer = settings.clone();
        plainer.set(axis.name, axis.value(&default)).ok()?;
        (plainer != *settings).then_some(plainer)
    })
}

/// Tells everything that is less than a value.
fn less(value: &Value, tell: &mut dyn FnMut(Value)) {
    match value {
        Value::Array(items) => less_of_list(items, tell),
        Value::Object(fields) => less_of_object(fields, tell),
        Value::Number(number) => {
            if let Some(number) = number.as_i64() {
                let nearer = [0, 1, -1, number / 65_536, number / 256, number / 16, number / 2];
                for nearer in nearer
                    .into_iter()
                    .filter(|nearer| nearer.unsigned_abs() < number.unsigned_abs())
                {
                    tell(nearer.into());
                }
            }
        }
        Value::String(text) => {
            let mut shorter = vec![
                0,
                text.len() / 2,
                text.len().saturating_sub(2),
                text.len().saturating_sub(1),
                1,
            ];
            shorter.retain(|&end| end < text.len() && text.is_char_boundary(end));
            for end in shorter {
                tell(text[..end].into());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn less_of_list(items: &[Value], tell: &mut dyn FnMut(Value)) {
    let mut size = items.len();
    while size > 0 {
        for start in (0..items.len()).step_by(size) {
            let end = (start + size).min(items.len());
            tell([&items[..start], &items[end..]].concat().into());
        }
        size /= 2;
    }
    for (at, item) in items.iter().enumerate() {
        let mut tell_with =
            |inner: &[Value]| tell([&items[..at], inner, &items[at + 1..]].concat().into());
        for inner in inner_lists(item) {
            tell_with(inner);
        }
        less(item, &mut |item| tell_with(&[item]));
    }
}

/// The lists within a step or a content that may stand in its place.
fn inner_lists(item: &Value) -> impl Iterator<Item = &Vec<Value>> {
    let within = item.as_object().into_iter().flat_map(Map::values);
    let fields = within.filter_map(Value::as_object).flat_map(Map::iter);
    fields
        .filter(|(name, _)| matches!(name.as_str(), "steps" | "contents" | "then" | "else"))
        .filter_map(|(_, list)| list.as_array())
}

fn less_of_object(fields: &Map<String, Value>, tell: &mut dyn FnMut(Value)) {
    for name in fields.keys() {
        let mut fewer = fields.clone();
        fewer.shift_remove(name);
        tell(fewer.into());
    }
    for (name, field) in fields {
        less(field, &mut |field| {
            let mut changed = fields.clone();
            changed.insert(name.clone(), field);
            tell(changed.into());
        });
        // A message without any of its fields is its name.
        if fields.len() == 1 && field.is_object() {
            tell(name.as_str().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::Seed;

    use super::*;

    #[test]
    fn shrinking_ends_at_the_honest_server() {
        for number in 0..20 {
            let mut scenario = Scenario::drawn(Seed::new(number), &[], &|_| true);
            let mut steps = 0;
            while let Some(smaller) = reductions(&scenario).into_iter().next() {
                scenario = smaller;
                steps += 1;
                assert!(steps < 200, "{scenario}");
            }
            assert_eq!(scenario, Scenario::default(), "{scenario}");
        }
    }

    #[test]
    fn what_is_repeated_may_stand_alone_and_numbers_come_nearer() {
        let script = r#"{"connections": [{"edits": [{"message": "data_row", "edit": {"before": [
            {"repeat": {"times": 1000, "contents": [{"data_row": {"length": 900000}}]}}
        ]}}]}]}"#;
        let script = Script::from_json(script).expect("a script");
        let scenario = Scenario { script, ..Scenario::default() };
        let texts: Vec<String> = reductions(&scenario).iter().map(ToString::to_string).collect();
        for wanted in [
            "\"before\":[{\"data_row\":{\"values\":[],\"length\":900000}}]",
            "\"times\":500",
            "\"length\":450000",
        ] {
            assert!(texts.iter().any(|text| text.contains(wanted)), "{wanted}: {texts:#?}");
        }
    }
}
