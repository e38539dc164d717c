//! What a shim says: stdout line by line, and the end of stderr.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    sync::mpsc,
};

use super::{error::ShimError, message::Response};

/// As long as a line of output may be; no answer of the contract comes near it.
const LONGEST_LINE: usize = 1 << 20;
/// As much of stderr as is kept for reports.
const STDERR_KEPT: usize = 8 << 10;

/// The end of what came on stderr.
#[derive(Debug, Default)]
pub(super) struct Stderr {
    kept: VecDeque<u8>,
    /// How much of it came since somebody last looked for a panic.
    unseen: usize,
}

impl Stderr {
    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend(bytes);
        self.unseen += bytes.len();
        let surplus = self.kept.len().saturating_sub(STDERR_KEPT);
        self.kept.drain(..surplus);
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept.iter().copied().collect::<Vec<_>>()).into_owned()
    }

    /// The line in which Rust tells of a panic, which a client may survive in another thread.
    pub(super) fn panic(&mut self) -> Option<String> {
        let unseen = std::mem::take(&mut self.unseen).min(self.kept.len());
        let bytes: Vec<u8> = self.kept.iter().skip(self.kept.len() - unseen).copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        text.lines()
            .find(|line| line.starts_with("thread '") && line.contains(" panicked at "))
            .map(str::to_owned)
    }
}

/// Sends each line; `begun` tells whether one was begun and not ended.
pub(super) async fn read_lines(
    stdout: impl AsyncRead + Unpin,
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    begun: Arc<AtomicBool>,
) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        let (read, ended) = match reader.fill_buf().await {
            Ok([]) if line.is_empty() => return,
            Ok([]) => {
                let words = shorten(&line);
                let error = io::Error::other(format!(
                    "wanted a whole line, got `{words}` and the end of stdout"
                ));
                let _ = sender.send(Err(error)).await;
                return;
            }
            Ok(bytes) => {
                let end = bytes.iter().position(|byte| *byte == b'\n');
                let read = end.map_or(bytes.len(), |end| end + 1);
                line.extend_from_slice(&bytes[..read]);
                (read, end.is_some())
            }
            Err(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        reader.consume(read);
        begun.store(!ended, Ordering::Relaxed);
        if line.len() > LONGEST_LINE {
            let _ =
                sender.send(Err(io::Error::other("wanted a line, got output without end"))).await;
            return;
        }
        if ended && sender.send(Ok(std::mem::take(&mut line))).await.is_err() {
            return;
        }
    }
}

/// Reads to the end and keeps the last of it.
pub(super) async fn keep_tail(mut errors: impl AsyncRead + Unpin, kept: Arc<Mutex<Stderr>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        kept.lock().unwrap_or_else(PoisonError::into_inner).keep(&buffer[..read]);
    }
}

/// The beginning of a line, for a report.
pub(super) fn shorten(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
    text.trim_end().to_owned()
}

/// What a line says.
pub(super) fn parse(line: &[u8]) -> Result<Response, ShimError> {
    serde_json::from_slice(line).map_err(|error| ShimError::NotTheContract {
        wanted: error.to_string(),
        line: shorten(line),
    })
}
