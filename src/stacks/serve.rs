//! The shim contract's loop: one question a line, one answer a line, until stdin ends.

use std::io::{self, Write as _};

use pgtls_conformance::shim::{Answer, CONTRACT, Request, Response};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::BuiltIn;

/// Answers questions on stdin until it ends.
///
/// # Errors
///
/// If the stack cannot run here, or stdin or stdout fail.
pub async fn serve(stack: BuiltIn) -> io::Result<()> {
    let mut questions = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = questions.next_line().await? {
        let response = match serde_json::from_str(&line) {
            Ok(Request::Hello { contract: CONTRACT }) => {
                Response::Hello(stack.hello().await.map_err(io::Error::other)?)
            }
            Ok(Request::Hello { contract }) => {
                return Err(io::Error::other(format!(
                    "wanted contract {CONTRACT}, got {contract}"
                )));
            }
            Ok(Request::Connect(request)) => {
                let outcome = stack.connect(&request).await;
                Response::Result(Answer { id: request.id, outcome })
            }
            Err(error) => {
                return Err(io::Error::other(format!(
                    "wanted a question of the shim contract: {error}"
                )));
            }
        };
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, &response)?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
    }
    Ok(())
}
