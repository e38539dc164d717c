//! The query, and the end.

use super::{
    Rows,
    fault::Fault,
    login::said,
    wire::{Connection, framed},
};

/// Asks one question by the simple protocol.
pub(super) async fn query(connection: &mut Connection, query: &str) -> Result<Rows, String> {
    connection.send(&framed(b'Q', &[query.as_bytes(), b"\0"].concat())).await?;
    let mut announced = None;
    let mut rows = Rows::new();
    let mut failed = None;
    loop {
        match connection.message().await? {
            (b'Z', _) => return failed.map_or(Ok(rows), Err),
            (b'T', body) => announced = Some(count(&body)?),
            (b'D', body) => {
                let values = columns(&body).ok_or("malformed DataRow")?;
                let announced = announced.ok_or("a DataRow without its description")?;
                if connection.has(Fault::TrustsTheColumns) {
                    rows.push((0..announced).map(|column| values[column].clone()).collect());
                } else if values.len() == announced {
                    rows.push(values);
                } else {
                    return Err("a DataRow that does not fit its description".to_owned());
                }
            }
            (b'C' | b'S' | b'N' | b'I', _) => {}
            (b'E', body) => failed = Some(said(&body)),
            (other, _) => return Err(format!("unexpected message {:?}", char::from(other))),
        }
    }
}

/// How many columns or values a message says that it has.
fn count(body: &[u8]) -> Result<usize, String> {
    let (count, _) = body.split_first_chunk::<2>().ok_or("malformed RowDescription")?;
    Ok(u16::from_be_bytes(*count).into())
}

/// The values of a DataRow; NULL is `NULL`.
fn columns(body: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (size, behind) = rest.split_first_chunk::<4>()?;
        rest = behind;
        values.push(match usize::try_from(i32::from_be_bytes(*size)) {
            Err(_) => "NULL".to_owned(),
            Ok(size) => {
                let (value, behind) = rest.split_at_checked(size)?;
                rest = behind;
                String::from_utf8_lossy(value).into_owned()
            }
        });
    }
    Some(values)
}

/// Leaves, saying so.
pub(super) async fn leave(mut connection: Connection) {
    // The server may be gone already.
    let _ = connection.send(&framed(b'X', &[])).await;
    connection.close().await;
}
