//! First packets.

use crate::protocol::startup::{self, MAX_LENGTH, Packet};

/// A first packet is read when it is whole and not before; and written by the documentation, what was read are the bytes
/// that came.
pub fn startup_packet(data: &[u8]) {
    let Ok(Some((packet, size))) = startup::first_packet(data) else { return };
    assert!((8..=MAX_LENGTH).contains(&size));
    let bytes = &data[..size];
    assert_eq!(startup::first_packet(bytes), Ok(Some((packet.clone(), size))));
    assert_eq!(startup::first_packet(&bytes[..size - 1]), Ok(None));
    let body = match &packet {
        Packet::SslRequest => [1234_u16, 5679].map(u16::to_be_bytes).concat(),
        Packet::GssEncRequest => [1234_u16, 5680].map(u16::to_be_bytes).concat(),
        Packet::Cancel(request) => {
            let mut body = [1234_u16, 5678].map(u16::to_be_bytes).concat();
            body.extend(request.process_id.to_be_bytes());
            body.extend(&request.key);
            body
        }
        Packet::Startup(startup) => {
            let (major, minor) = startup.protocol;
            // Only version 3 has parameters that are read, and only as text.
            if major != 3 || std::str::from_utf8(&bytes[8..]).is_err() {
                return;
            }
            let mut body = [major, minor].map(u16::to_be_bytes).concat();
            for (name, value) in startup.parameters() {
                let last = startup.parameters().filter(|(other, _)| *other == name).last();
                assert_eq!(startup.parameter(name), last.map(|(_, value)| value));
                assert_ne!(name, "");
                for text in [name, value] {
                    body.extend(text.as_bytes());
                    body.push(0);
                }
            }
            body.push(0);
            body
        }
    };
    assert_eq!(bytes[4..], body);
}
