//! The server's messages.

use bytes::BytesMut;
use postgres_protocol::message::backend::Message as Theirs;

use crate::protocol::{message::BackendMessage, names};

/// A message as JSON has it survives JSON; as bytes it is one message of its name, which postgres-protocol's client
/// takes for one, too.
pub fn backend_message(data: &[u8]) {
    let Ok(message) = serde_json::from_slice::<BackendMessage>(data) else { return };
    let json = serde_json::to_value(&message).expect("JSON");
    assert_eq!(
        serde_json::from_value::<BackendMessage>(json.clone()).ok().as_ref(),
        Some(&message)
    );

    let mut bytes = b"before".to_vec();
    message.write(&mut bytes);
    let bytes = bytes.strip_prefix(b"before").expect("it is appended");
    let name = match &json {
        serde_json::Value::Object(object) => object.keys().next().expect("a name").clone(),
        name => name.as_str().expect("a name").to_owned(),
    };
    assert!(names::is_backend(&name), "{name}");
    assert!(names::are_same(names::of_backend(bytes), &name), "{name}");
    if let Some(length) = message.length() {
        assert_eq!(bytes[1..5], length.to_be_bytes());
        return;
    }
    assert_eq!(names::first_message(bytes), Some(bytes));
    // postgres-protocol does not know NegotiateProtocolVersion, FunctionCallResponse and CopyBothResponse.
    if matches!(bytes[0], b'v' | b'V' | b'W') {
        return;
    }
    let mut buffer = BytesMut::from(bytes);
    match Theirs::parse(&mut buffer) {
        Ok(theirs) => assert!(theirs.is_some() && buffer.is_empty(), "one message"),
        Err(error) => assert!(may_be_odd(&message), "{name}: {error}"),
    }
}

/// Whether texts and sizes within the message are the writer's choice, so that it may be none to a client.
fn may_be_odd(message: &BackendMessage) -> bool {
    use BackendMessage as M;
    matches!(
        message,
        M::AuthenticationMd5Password(_)
            | M::BackendKeyData(_)
            | M::CommandComplete(_)
            | M::ErrorResponse(_)
            | M::NoticeResponse(_)
            | M::NotificationResponse(_)
            | M::ParameterStatus(_)
    )
}
