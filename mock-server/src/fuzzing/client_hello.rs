//! What TLS clients send before there is TLS.

use rustls::server::Acceptor;

use crate::tls::{Hello, HelloReader, Records, Seen};

/// A ClientHello is read however it comes, ends where its records end, and is what rustls takes it for.
pub fn client_hello(data: &[u8]) {
    let whole = HelloReader::default().read(data);
    let mut reader = HelloReader::default();
    let mut last = Hello::Incomplete;
    for end in (0..data.len()).step_by(7).chain([data.len()]) {
        // What is known stays so.
        if last == Hello::Incomplete {
            last = reader.read(&data[..end]);
        }
    }
    match (&whole, &last) {
        (Hello::Complete(facts, size), Hello::Complete(in_pieces, in_pieces_size)) => {
            assert_eq!((facts, size), (in_pieces, in_pieces_size));
            assert_eq!(HelloReader::default().read(&data[..*size]), whole);
            assert_eq!(HelloReader::default().read(&data[..*size - 1]), Hello::Incomplete);
        }
        _ => assert_eq!(whole, last),
    }

    let mut acceptor = Acceptor::default();
    let mut rest = data;
    let accepted = loop {
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) if !rest.is_empty() => match acceptor.read_tls(&mut rest) {
                Ok(1..) => {}
                _ => return,
            },
            _ => return,
        }
    };
    let Hello::Complete(ours, _) = whole else {
        panic!("rustls reads it, and here it is {whole:?}")
    };
    let theirs = accepted.client_hello();
    if let Some(name) = theirs.server_name() {
        assert!(ours.sni.is_some_and(|sni| sni.eq_ignore_ascii_case(name)));
    }
    let protocols = theirs.alpn().into_iter().flatten();
    assert!(protocols.map(String::from_utf8_lossy).eq(ours.alpn_offered));
}

/// The records of one direction are followed to the same end however they are cut.
pub fn tls_records(data: &[u8]) {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let follow = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut records = Records::default();
        let (mut clear, mut alerts) = (Vec::new(), Vec::new());
        for piece in pieces {
            records.follow(piece, |seen| match seen {
                Seen::Clear(bytes) => clear.extend_from_slice(bytes),
                Seen::Alert(alert) => alerts.push(alert),
            });
        }
        (clear, alerts)
    };
    let whole = follow(&mut [bytes].into_iter());
    assert_eq!(follow(&mut bytes.chunks(usize::from(piece).max(1))), whole);
    assert!(bytes.ends_with(&whole.0));
}
