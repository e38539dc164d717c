//! What a person wants to know first.

use super::cube::{Cube, MODES, all_but, axis};
use crate::axes::{
    Access, Auth, Certificate, ChannelBinding, Key, Reply, Sslmode, Sslnegotiation, Sslrootcert,
    TlsVersions,
};

pub(super) fn core() -> Vec<Cube> {
    use Sslrootcert as Root;
    vec![
        // What each mode does with each certificate, when the client was told whom to trust.
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL)
            .by(axis::sslmode, &MODES),
        // What each mode trusts.
        Cube::new().by(axis::sslrootcert, Root::ALL).by(axis::sslmode, &MODES),
        // What each mode does when the server says no, or worse.
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::reply, Reply::ALL)
            .by(axis::sslmode, &MODES),
        // Which way it retries.
        Cube::new()
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::access, &all_but(Access::ALL, Access::Any))
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(
                axis::certificate,
                &[Certificate::Valid, Certificate::Expired, Certificate::WrongHost],
            )
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::tls, &all_but(TlsVersions::ALL, TlsVersions::Tls12To13))
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &[Sslmode::Prefer, Sslmode::VerifyFull]),
        // Which binding it takes where the certificate names no hash for it (CVE-2026-54291).
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::key, &[Key::Ed25519])
            .by(axis::auth, &[Auth::ScramSha256Plus])
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &[Sslmode::Prefer, Sslmode::VerifyFull]),
    ]
}
