//! The rows of an answer and their columns, in the format that the client asked for.

use super::{types::Type, value::Value};
use crate::protocol::{
    backend::{self, Column},
    frontend::Format,
};

/// A row; `None` is NULL.
pub(super) type Row = Vec<Option<Value>>;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) of_type: Type,
}

/// Appends RowDescription.
pub(super) fn describe(fields: &[Field], format: impl Fn(usize) -> Format, out: &mut Vec<u8>) {
    let columns: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| Column {
            name: field.name.as_bytes(),
            table_oid: 0,
            number: 0,
            type_oid: field.of_type.oid(),
            type_size: field.of_type.size(),
            type_modifier: -1,
            format: format(index) as i16,
        })
        .collect();
    backend::row_description(out, &columns, None);
}

/// Appends DataRow.
pub(super) fn send(
    row: &Row,
    fields: &[Field],
    format: impl Fn(usize) -> Format,
    out: &mut Vec<u8>,
) {
    let values: Vec<_> = row
        .iter()
        .zip(fields)
        .enumerate()
        .map(|(index, (value, field))| {
            value.as_ref().map(|value| value.encode(field.of_type, format(index)))
        })
        .collect();
    let values: Vec<_> = values.iter().map(Option::as_deref).collect();
    backend::data_row(out, &values, None);
}
