//! Each rule over real sockets, both directions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{io::ErrorKind, time::Duration};

use pgtls_harness::{
    Direction, Layer, Listener, Recorder, Wire, WithoutReset, memory,
    rules::{Chunk, RuleSpec, Verdict},
};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// No wait of a test is without an end.
async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("it ends in time")
}

async fn pair(rules: impl IntoIterator<Item = RuleSpec>) -> (Wire, TcpStream) {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = within(TcpStream::connect(listener.address())).await.unwrap();
    let (mut wire, _) = within(listener.accept()).await.unwrap();
    wire.install(rules);
    (wire, client)
}

/// Reads one chunk at a time up to the end.
async fn chunks(wire: &mut Wire) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    loop {
        let mut chunk = Vec::with_capacity(100);
        if within(wire.read_buf(&mut chunk)).await.unwrap() == 0 {
            return chunks;
        }
        chunks.push(chunk);
    }
}

#[tokio::test]
async fn without_rules_bytes_pass() {
    let (mut wire, mut client) = pair([]).await;
    within(client.write_all(b"question")).await.unwrap();
    let mut question = [0; 8];
    within(wire.read_exact(&mut question)).await.unwrap();
    assert_eq!(&question, b"question");
    within(wire.write_all(b"answer")).await.unwrap();
    drop(wire);
    let mut answer = String::new();
    within(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "answer");
}

#[tokio::test]
async fn split_cuts_what_is_received() {
    let (mut wire, mut client) = pair([RuleSpec::SplitInbound { at: vec![5, 2, 5] }]).await;
    within(client.write_all(b"abcdefgh")).await.unwrap();
    drop(client);
    assert_eq!(within(chunks(&mut wire)).await, [&b"ab"[..], b"cde", b"fgh"]);
}

#[tokio::test]
async fn rules_that_come_later_count_from_the_first_byte() {
    let (mut wire, mut client) = pair([]).await;
    within(client.write_all(b"abcd")).await.unwrap();
    let mut before = [0; 4];
    within(wire.read_exact(&mut before)).await.unwrap();
    within(wire.write_all(b"1234")).await.unwrap();
    wire.install([
        RuleSpec::SplitInbound { at: vec![3, 6] },
        RuleSpec::TruncateInbound { at: 7 },
        RuleSpec::TruncateOutbound { at: 5 },
    ]);
    within(client.write_all(b"efgh")).await.unwrap();
    within(wire.write_all(b"5678")).await.unwrap();
    within(client.shutdown()).await.unwrap();
    assert_eq!(within(chunks(&mut wire)).await, [&b"ef"[..], b"g"]);
    drop(wire);
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"12345");
}

#[tokio::test]
async fn split_cuts_what_is_sent() {
    let (mut wire, mut client) = pair([RuleSpec::SplitOutbound { at: vec![3] }]).await;
    let recorder = Recorder::new(100);
    wire.record(recorder.clone());
    within(wire.write_all(b"abcdef")).await.unwrap();
    drop(wire);
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"abcdef");
    let recording = recorder.recording();
    let segments: Vec<_> = recording.iter().map(|mark| mark.bytes).collect();
    assert_eq!(segments, [b"abc", b"def"]);
}

/// In memory, and in paused time: how long it takes is exact, and nobody waits.
#[tokio::test(start_paused = true)]
async fn delay_holds_up_once() {
    let hour = Duration::from_secs(3600);
    for rule in [
        RuleSpec::DelayInbound { at: 1, milliseconds: 3_600_000 },
        RuleSpec::DelayOutbound { at: 1, milliseconds: 3_600_000 },
    ] {
        let (mut client, server) = memory::pair();
        let mut wire = Wire::new(server);
        wire.install([rule.clone()]);
        let begun = Instant::now();
        let mut got = [0; 3];
        if matches!(rule, RuleSpec::DelayInbound { .. }) {
            client.write_all(b"abc").await.unwrap();
            wire.read_exact(&mut got[..1]).await.unwrap();
            assert_eq!(begun.elapsed(), Duration::ZERO);
            wire.read_exact(&mut got[1..]).await.unwrap();
        } else {
            wire.write_all(b"abc").await.unwrap();
            client.read_exact(&mut got).await.unwrap();
        }
        assert_eq!(&got, b"abc");
        assert_eq!(begun.elapsed().as_secs(), hour.as_secs(), "{rule:?}");
    }
}

#[tokio::test]
async fn truncate_loses_the_rest_and_keeps_the_connection() {
    let (mut wire, mut client) = pair([RuleSpec::TruncateOutbound { at: 2 }]).await;
    within(wire.write_all(b"abcdef")).await.unwrap();
    within(client.write_all(b"still here")).await.unwrap();
    let mut heard = [0; 10];
    within(wire.read_exact(&mut heard)).await.unwrap();
    drop(wire);
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"ab");

    let (mut wire, mut client) = pair([RuleSpec::TruncateInbound { at: 2 }]).await;
    within(client.write_all(b"abcdef")).await.unwrap();
    drop(client);
    assert_eq!(within(chunks(&mut wire)).await, [b"ab"]);
}

#[tokio::test]
async fn reset_is_a_rst() {
    let (mut wire, mut client) = pair([RuleSpec::ResetOutbound { at: 2 }]).await;
    assert_eq!(
        within(wire.write_all(b"abcdef")).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let mut got = Vec::new();
    let error = within(client.read_to_end(&mut got)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let (mut wire, mut client) = pair([RuleSpec::ResetInbound { at: 0 }]).await;
    within(client.write_all(b"a")).await.unwrap();
    assert_eq!(within(wire.read_u8()).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(within(client.read_u8()).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn half_close_ends_one_direction() {
    let (mut wire, mut client) = pair([RuleSpec::HalfCloseOutbound { at: 2 }]).await;
    within(wire.write_all(b"abcdef")).await.unwrap();
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"ab");
    within(client.write_all(b"x")).await.unwrap();
    assert_eq!(within(wire.read_u8()).await.unwrap(), b'x');

    let (mut wire, mut client) = pair([RuleSpec::HalfCloseInbound { at: 2 }]).await;
    within(client.write_all(b"abcdef")).await.unwrap();
    assert_eq!(within(chunks(&mut wire)).await, [b"ab"]);
    assert_eq!(within(chunks(&mut wire)).await, [] as [&[u8]; 0]);
    within(wire.write_all(b"x")).await.unwrap();
    assert_eq!(within(client.read_u8()).await.unwrap(), b'x');
}

#[tokio::test]
async fn corrupt_changes_one_byte() {
    let (mut wire, mut client) = pair([
        RuleSpec::CorruptOutbound { at: 1, xor: 0x20 },
        RuleSpec::CorruptInbound { at: 2, xor: 0x20 },
    ])
    .await;
    within(wire.write_all(b"abc")).await.unwrap();
    within(client.write_all(b"abc")).await.unwrap();
    let mut got = [0; 3];
    within(client.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"aBc");
    within(wire.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"abC");
}

#[tokio::test]
async fn duplicate_sends_twice() {
    let (mut wire, mut client) = pair([
        RuleSpec::DuplicateOutbound { at: 1, length: 3 },
        RuleSpec::DuplicateInbound { at: 0, length: 1 },
    ])
    .await;
    within(wire.write_all(b"abc")).await.unwrap();
    within(wire.write_all(b"de")).await.unwrap();
    within(client.write_all(b"x")).await.unwrap();
    let mut got = [0; 8];
    within(client.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"abcdbcde");
    within(wire.read_exact(&mut got[..2])).await.unwrap();
    assert_eq!(&got[..2], b"xx");
}

#[tokio::test]
async fn coalesce_joins_what_comes_in_pieces() {
    let (mut wire, mut client) = pair([
        RuleSpec::SplitInbound { at: vec![1, 2, 3, 4, 5] },
        RuleSpec::CoalesceInbound { at: 1, length: 3 },
        RuleSpec::CoalesceOutbound { at: 0, length: 9 },
    ])
    .await;
    within(client.write_all(b"abcdef")).await.unwrap();
    within(client.shutdown()).await.unwrap();
    assert_eq!(within(chunks(&mut wire)).await, [&b"a"[..], b"bcd", b"e", b"f"]);

    let recorder = Recorder::new(1000);
    wire.record(recorder.clone());
    for piece in [b"12", b"34", b"56"] {
        within(wire.write_all(piece)).await.unwrap();
    }
    assert_eq!(recorder.recording().iter().count(), 0);
    within(wire.shutdown()).await.unwrap();
    assert_eq!(recorder.recording().iter().count(), 1);
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"123456");
}

#[tokio::test]
async fn rules_are_asked_in_the_order_of_their_installation() {
    let (mut wire, mut client) =
        pair([RuleSpec::SplitInbound { at: vec![3] }, RuleSpec::SplitInbound { at: vec![1, 4] }])
            .await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&seen);
    wire.install_rule(move |chunk: &Chunk<'_>| {
        log.lock().unwrap().push((chunk.offset, chunk.bytes.to_vec()));
        Verdict::Pass
    });
    within(client.write_all(b"abcdef")).await.unwrap();
    drop(client);
    assert_eq!(within(chunks(&mut wire)).await.concat(), b"abcdef");
    let seen = seen.lock().unwrap().clone();
    let wanted = [(0, &b"a"[..]), (1, b"bc"), (3, b"d"), (4, b"ef")];
    assert_eq!(seen, wanted.map(|(offset, bytes)| (offset, bytes.to_vec())));
}

#[test]
fn a_rule_is_the_same_after_it_was_written_down() {
    let rules = [
        RuleSpec::SplitInbound { at: vec![1, 9] },
        RuleSpec::DelayOutbound { at: 3, milliseconds: 20 },
        RuleSpec::ResetInbound { at: 0 },
    ];
    let text = serde_json::to_string(&rules).unwrap();
    assert_eq!(
        text,
        r#"[{"rule":"split-inbound","at":[1,9]},{"rule":"delay-outbound","at":3,"milliseconds":20},{"rule":"reset-inbound","at":0}]"#
    );
    assert_eq!(serde_json::from_str::<Vec<RuleSpec>>(&text).unwrap(), rules);
    assert!(serde_json::from_str::<RuleSpec>(r#"{"rule":"tickle"}"#).is_err());
}

#[tokio::test]
async fn nothing_is_written_behind_the_own_end() {
    for rules in [vec![], vec![RuleSpec::SplitOutbound { at: vec![1] }]] {
        let (mut wire, mut client) = pair(rules).await;
        within(wire.write_all(b"ab")).await.unwrap();
        within(wire.shutdown()).await.unwrap();
        let error = within(wire.write_all(b"cd")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let mut got = Vec::new();
        within(client.read_to_end(&mut got)).await.unwrap();
        assert_eq!(got, b"ab");
    }
}

#[tokio::test]
async fn a_stream_that_knows_no_reset_is_closed() {
    let (mut client, server) = tokio::io::duplex(100);
    let mut wire = Wire::new(WithoutReset(server));
    wire.install([RuleSpec::ResetOutbound { at: 2 }]);
    let error = within(wire.write_all(b"abc")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut got = Vec::new();
    within(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"ab");
}

#[tokio::test]
async fn recordings_hold_what_passed_and_no_more() {
    let (mut wire, mut client) = pair([RuleSpec::TruncateOutbound { at: 3 }]).await;
    let recorder = Recorder::new(1000);
    wire.record(recorder.clone());
    within(wire.write_all(b"abcdef")).await.unwrap();
    within(client.write_all(b"xyz")).await.unwrap();
    within(wire.read_exact(&mut [0; 3])).await.unwrap();
    let recording = recorder.recording();
    assert_eq!(recording.concat(Direction::Outbound, Layer::Wire), b"abc");
    assert_eq!(recording.concat(Direction::Inbound, Layer::Wire), b"xyz");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However it is cut, what arrives is what was sent.
    #[test]
    fn splits_change_no_byte(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        inbound in proptest::collection::vec(0..2000_u64, 0..20),
        outbound in proptest::collection::vec(0..2000_u64, 0..20),
    ) {
        let (received, echoed) = runtime().block_on(async {
            let rules =
                [RuleSpec::SplitInbound { at: inbound }, RuleSpec::SplitOutbound { at: outbound }];
            let (mut wire, mut client) = pair(rules).await;
            within(client.write_all(&bytes)).await.unwrap();
            within(client.shutdown()).await.unwrap();
            let received = within(chunks(&mut wire)).await.concat();
            within(wire.write_all(&received)).await.unwrap();
            drop(wire);
            let mut echoed = Vec::new();
            within(client.read_to_end(&mut echoed)).await.unwrap();
            (received, echoed)
        });
        prop_assert_eq!(&received, &bytes);
        prop_assert_eq!(&echoed, &bytes);
    }
}
