//! What passes is what the rules say, in whatever order they stand, both ways; the clock is paused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{io::ErrorKind, time::Duration};

use pgtls_harness::{Direction, MemoryStream, Seed, Wire, memory, rules::RuleSpec};
use proptest::{collection::vec, prelude::*};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

/// Longer than any bandwidth makes a test last, by the paused clock.
const FOREVER: Duration = Duration::from_secs(1_000_000);

fn wire(rules: impl IntoIterator<Item = RuleSpec>) -> (Wire, MemoryStream) {
    let (client, server) = memory::pair();
    let mut wire = Wire::new(server);
    wire.install(rules);
    (wire, client)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In good order.
    Fin,
    Reset,
    /// Not at all.
    Stalled,
}

/// A rule without its direction.
#[derive(Debug, Clone)]
enum Kind {
    Split(Vec<u64>),
    Delay(u64, u64),
    Corrupt(u64, u8),
    Duplicate(u64, u16),
    Coalesce(u64, u16),
    Jitter(u64, u64),
    Bandwidth(u64),
    Truncate(u64),
    HalfClose(u64),
    Stall(u64),
    Reset(u64),
}

impl Kind {
    fn spec(&self, direction: Direction) -> RuleSpec {
        macro_rules! either {
            ($outbound:ident, $inbound:ident, { $($setting:ident: $value:expr),* }) => {
                match direction {
                    Direction::Outbound => RuleSpec::$outbound { $($setting: $value),* },
                    Direction::Inbound => RuleSpec::$inbound { $($setting: $value),* },
                }
            };
        }
        match *self {
            Self::Split(ref at) => either!(SplitOutbound, SplitInbound, { at: at.clone() }),
            Self::Delay(at, milliseconds) => {
                either!(DelayOutbound, DelayInbound, { at: at, milliseconds: milliseconds })
            }
            Self::Corrupt(at, xor) => {
                either!(CorruptOutbound, CorruptInbound, { at: at, xor: xor })
            }
            Self::Duplicate(at, length) => {
                either!(DuplicateOutbound, DuplicateInbound, { at: at, length: length })
            }
            Self::Coalesce(at, length) => {
                either!(CoalesceOutbound, CoalesceInbound, { at: at, length: length })
            }
            Self::Jitter(seed, most) => {
                let seed = Seed::new(seed);
                either!(JitterOutbound, JitterInbound, { seed: seed, most_milliseconds: most })
            }
            Self::Bandwidth(rate) => {
                let rate = rate.try_into().unwrap();
                either!(BandwidthOutbound, BandwidthInbound, { bytes_per_second: rate })
            }
            Self::Truncate(at) => either!(TruncateOutbound, TruncateInbound, { at: at }),
            Self::HalfClose(at) => either!(HalfCloseOutbound, HalfCloseInbound, { at: at }),
            Self::Stall(at) => either!(StallOutbound, StallInbound, { at: at }),
            Self::Reset(at) => either!(ResetOutbound, ResetInbound, { at: at }),
        }
    }

    /// What the rule makes of a whole stream: the test's own idea of it.
    fn apply(&self, (mut bytes, end): (Vec<u8>, End)) -> (Vec<u8>, End) {
        let size = bytes.len() as u64;
        let cut_to = |bytes: &mut Vec<u8>, at: u64| bytes.truncate(usize::try_from(at).unwrap());
        let from_to = |at: u64, length: u16| at as usize..at as usize + usize::from(length);
        match *self {
            Self::Split(_) | Self::Delay(..) | Self::Jitter(..) | Self::Bandwidth(_) => {}
            Self::Corrupt(at, xor) => {
                if let Some(byte) = bytes.get_mut(at as usize) {
                    *byte ^= xor;
                }
            }
            Self::Duplicate(at, length) => {
                if let Some(copy) = bytes.get(from_to(at, length)).map(<[u8]>::to_vec) {
                    let behind = from_to(at, length).end;
                    bytes.splice(behind..behind, copy);
                }
            }
            // Held back for good where neither the last byte comes nor the end.
            Self::Coalesce(at, length) => {
                if end != End::Fin && bytes.get(from_to(at, length)).is_none() {
                    cut_to(&mut bytes, at);
                }
            }
            Self::Truncate(at) => {
                cut_to(&mut bytes, at);
            }
            Self::HalfClose(at) | Self::Stall(at) | Self::Reset(at) if at < size => {
                cut_to(&mut bytes, at);
                let end = match self {
                    Self::HalfClose(_) => End::Fin,
                    Self::Stall(_) => End::Stalled,
                    _ => End::Reset,
                };
                return (bytes, end);
            }
            Self::HalfClose(_) | Self::Stall(_) | Self::Reset(_) => {}
        }
        (bytes, end)
    }
}

/// What arrives where these bytes are sent through these rules, in writes of these sizes.
async fn sent(
    direction: Direction,
    rules: &[Kind],
    bytes: &[u8],
    sizes: &[usize],
) -> (Vec<u8>, End) {
    let (mut wire, mut client) = wire(rules.iter().map(|rule| rule.spec(direction)));
    let sending = async |stream: &mut (dyn tokio::io::AsyncWrite + Unpin + Send)| {
        let mut rest = bytes;
        for &size in sizes.iter().cycle() {
            if rest.is_empty() || stream.write_all(&rest[..size.min(rest.len())]).await.is_err() {
                break;
            }
            rest = &rest[size.min(rest.len())..];
            tokio::task::yield_now().await;
        }
        let _ = stream.shutdown().await;
        // The end must not be the stream's being dropped.
        std::future::pending::<()>().await;
    };
    let mut got = Vec::new();
    let receiving =
        async |stream: &mut (dyn tokio::io::AsyncRead + Unpin + Send), got: &mut _| match timeout(
            FOREVER,
            stream.read_to_end(got),
        )
        .await
        {
            Err(_) => End::Stalled,
            Ok(Ok(_)) => End::Fin,
            Ok(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                End::Reset
            }
        };
    let end = match direction {
        Direction::Outbound => tokio::select! {
            () = sending(&mut wire) => unreachable!("it has no end"),
            end = receiving(&mut client, &mut got) => end,
        },
        Direction::Inbound => tokio::select! {
            () = sending(&mut client) => unreachable!("it has no end"),
            end = receiving(&mut wire, &mut got) => end,
        },
    };
    (got, end)
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let at = 0..300_u64;
    let length = 0..80_u16;
    let kind = prop_oneof![
        vec(at.clone(), 0..6).prop_map(Kind::Split),
        (at.clone(), 0..50_u64).prop_map(|(at, wait)| Kind::Delay(at, wait)),
        (at.clone(), any::<u8>()).prop_map(|(at, xor)| Kind::Corrupt(at, xor)),
        (at.clone(), length.clone()).prop_map(|(at, length)| Kind::Duplicate(at, length)),
        (at.clone(), length).prop_map(|(at, length)| Kind::Coalesce(at, length)),
        (any::<u64>(), 0..50_u64).prop_map(|(seed, most)| Kind::Jitter(seed, most)),
        (1..2000_u64).prop_map(Kind::Bandwidth),
        at.clone().prop_map(Kind::Truncate),
        at.clone().prop_map(Kind::HalfClose),
        at.clone().prop_map(Kind::Stall),
        at.prop_map(Kind::Reset),
    ];
    vec(kind, 0..5)
}

proptest! {
    #[test]
    fn what_passes_is_what_the_rules_say(
        inbound in any::<bool>(),
        rules in kinds(),
        bytes in vec(any::<u8>(), 0..250),
        sizes in vec(1..100_usize, 1..5),
    ) {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        let got = runtime().block_on(sent(direction, &rules, &bytes, &sizes));
        let wanted = rules.iter().fold((bytes, End::Fin), |stream, rule| rule.apply(stream));
        prop_assert_eq!(got, wanted);
    }

    /// A rule that is written down and read again is the same one.
    #[test]
    fn rules_survive_their_text(inbound in any::<bool>(), rules in kinds()) {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        for rule in rules.iter().map(|rule| rule.spec(direction)) {
            let text = serde_json::to_string(&rule).unwrap();
            prop_assert_eq!(serde_json::from_str::<RuleSpec>(&text).unwrap(), rule);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bandwidth_takes_its_time_and_loses_nothing() {
    let rate = 1000.try_into().unwrap();
    let (mut wire, mut client) =
        self::wire([RuleSpec::BandwidthOutbound { bytes_per_second: rate }]);
    let begun = Instant::now();
    wire.write_all(&[7; 3000]).await.unwrap();
    assert_eq!(begun.elapsed().as_millis() / 10, 300);
    let mut got = vec![0; 3000];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(got, [7; 3000]);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_direction_holds_the_writer_and_the_other_goes_on() {
    let hour = Duration::from_secs(3600);
    let (mut wire, mut client) = self::wire([RuleSpec::StallOutbound { at: 2 }]);
    assert!(timeout(hour, wire.write_all(b"abc")).await.is_err());
    let mut got = [0; 2];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ab");
    assert!(timeout(hour, client.read_u8()).await.is_err());
    client.write_all(b"x").await.unwrap();
    assert_eq!(wire.read_u8().await.unwrap(), b'x');

    let (mut wire, mut client) = self::wire([RuleSpec::StallInbound { at: 2 }]);
    let flood = vec![0; 10 * memory::CAPACITY];
    let (flooding, reading) = tokio::join!(
        timeout(hour, client.write_all(&flood)),
        timeout(hour, async {
            wire.read_exact(&mut [0; 2]).await.unwrap();
            wire.read_u8().await
        })
    );
    assert!(flooding.is_err(), "there is no room for that much");
    assert!(reading.is_err());
    wire.write_all(b"x").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'x');
}

#[test]
fn new_rules_have_names_and_no_wrong_values() {
    let text = r#"[{"rule":"corrupt-inbound","at":3,"xor":255},{"rule":"duplicate-outbound","at":0,"length":9},{"rule":"coalesce-inbound","at":1,"length":2},{"rule":"jitter-outbound","seed":"00000000000000ff","most_milliseconds":20},{"rule":"bandwidth-inbound","bytes_per_second":9600},{"rule":"stall-outbound","at":40}]"#;
    let rules: Vec<RuleSpec> = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&rules).unwrap(), text);
    for wrong in [
        r#"{"rule":"bandwidth-inbound","bytes_per_second":0}"#,
        r#"{"rule":"corrupt-inbound","at":3,"xor":256}"#,
        r#"{"rule":"jitter-inbound","seed":"seven","most_milliseconds":1}"#,
    ] {
        assert!(serde_json::from_str::<RuleSpec>(wrong).is_err(), "{wrong}");
    }
}
