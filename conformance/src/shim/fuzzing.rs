//! The contract's lines, both ways.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::{runtime, sync::mpsc};

use super::{
    message::Request,
    output::{parse, read_lines},
};

/// What a shim writes comes line by line, and an answer survives being read; of what is none, only the beginning is told.
pub fn shim_output(data: &[u8]) {
    let runtime = runtime::Builder::new_current_thread().build().expect("a runtime");
    let lines = runtime.block_on(async {
        let (sender, mut receiver) = mpsc::channel(1);
        let begun = Arc::new(AtomicBool::default());
        let read = read_lines(data, sender, begun);
        let mut lines = Vec::new();
        let collect = async {
            while let Some(line) = receiver.recv().await {
                lines.push(line);
            }
        };
        tokio::join!(read, collect);
        lines
    });
    let wanted: Vec<_> = data.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), wanted.len());
    for (line, wanted) in lines.into_iter().zip(wanted) {
        match line {
            Ok(line) => {
                assert_eq!(line, wanted);
                answer(&line);
            }
            Err(_) => assert!(!wanted.ends_with(b"\n")),
        }
    }
}

fn answer(line: &[u8]) {
    match parse(line) {
        Ok(response) => {
            let json = serde_json::to_string(&response).expect("JSON");
            assert!(!json.contains('\n'));
            assert_eq!(parse(json.as_bytes()).expect("our own answer"), response);
        }
        Err(error) => assert!(error.to_string().len() < 2000),
    }
}

/// A question survives being read, on one line.
pub fn shim_request(data: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(data) else { return };
    let json = serde_json::to_string(&request).expect("JSON");
    assert!(!json.contains('\n'));
    assert_eq!(serde_json::from_str::<Request>(&json).expect("our own question"), request);
    if let Request::Connect(connect) = request {
        assert!(connect.settings().any(|setting| setting == ("host", connect.host.clone())));
    }
}
