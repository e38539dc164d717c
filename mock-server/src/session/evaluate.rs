//! What expressions give, and the parameters that they and SHOW read.

use super::{
    expression::Expression,
    limits::MAX_ROW,
    parameters::SERVER_VERSION,
    refusal::{out_of_memory, too_much},
    rows::Row,
    select::{Select, Source},
    state::State,
    value::Value,
};
use crate::protocol::report::Report;

impl State {
    /// The rows of a SELECT; the first parameter is this number, if it is any.
    pub(super) fn select(
        &mut self,
        select: &Select,
        parameter: Option<u32>,
    ) -> Result<Vec<Row>, Report> {
        // A number that is looked out for may have other columns behind it.
        let is_wanted = |number| match self.wanted {
            Some(wanted) => wanted == number,
            None => select.columns.len() == 1,
        };
        if select.integer.is_some_and(is_wanted) {
            self.query_seen = select.integer;
        }
        let expressions = match &select.source {
            Source::Nothing => return Ok(Vec::new()),
            Source::Types(lookup) => return Ok(lookup.rows(parameter)),
            Source::Expressions(expressions) => expressions,
        };
        let mut row = Row::with_capacity(expressions.len());
        let mut size = 0;
        for expression in expressions {
            let value = self.evaluate(expression)?;
            size += value.as_ref().map_or(0, Value::size);
            if size > MAX_ROW {
                return Err(too_much("a row of more than 256 KiB"));
            }
            row.push(value);
        }
        Ok(vec![row])
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Option<Value>, Report> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        Ok(match expression {
            Expression::Null => None,
            Expression::Value(value) => Some(value.clone()),
            Expression::Version => text(&format!(
                "PostgreSQL {} (pgtls mock server {})",
                SERVER_VERSION,
                env!("CARGO_PKG_VERSION"),
            )),
            Expression::User => text(self.parameters.user()),
            Expression::Database => text(self.parameters.database()),
            Expression::Setting(name) => text(self.setting(name)?.1),
            Expression::SetConfig(name, value) => {
                self.set(name, value)?;
                text(value)
            }
        })
    }

    /// Sets a parameter, if there is memory for it.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Report> {
        let size = self.parameters.size_with(name, value);
        self.parameters_held.resize(size).map_err(out_of_memory)?;
        let result = self.parameters.set(name, value);
        // Never more than was held for it.
        let _ = self.parameters_held.resize(self.parameters.size());
        result
    }

    /// The rows of SHOW; without a name, those of SHOW ALL.
    pub(super) fn show(&self, name: Option<&str>) -> Result<Vec<Row>, Report> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        Ok(match name {
            Some(name) => vec![vec![text(self.setting(name)?.1)]],
            None => {
                let row = |(name, value)| vec![text(name), text(value), text("")];
                self.parameters.all().map(row).collect()
            }
        })
    }

    /// A parameter's name as PostgreSQL spells it, and its value.
    pub(super) fn setting(&self, name: &str) -> Result<(&str, &str), Report> {
        self.parameters.show(name).ok_or_else(|| {
            Report::error("42704", format!("unrecognized configuration parameter \"{name}\""))
        })
    }
}
