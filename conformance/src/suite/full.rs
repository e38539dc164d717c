//! Every product of axes that has meaning.

use super::{
    core::core,
    cube::{Cube, MODES, axis},
};
use crate::axes::{
    Access, Auth, Certificate, ChannelBinding, ClientCert, Host, Key, Reply, Sslmode,
    Sslnegotiation, Sslrootcert, TlsVersions,
};

pub(super) fn full() -> Vec<Cube> {
    use Sslrootcert as Root;
    let mut cubes = core();
    cubes.extend([
        Cube::new()
            .by(axis::certificate, Certificate::ALL)
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, Root::ALL)
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslmode, &[Sslmode::VerifyFull])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL)
            .by(axis::host, &hosts()),
        Cube::new()
            .by(axis::reply, Reply::ALL)
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, &[Root::None, Root::Right, Root::Wrong])
            .by(axis::sslmode, &MODES),
        Cube::of_modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL),
        Cube::of_modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::reply, Reply::ALL),
        Cube::of_modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, Root::ALL),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::key, Key::ALL)
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &MODES),
        // What each login shows where TLS is refused, and where the client refuses it.
        Cube::of_modes()
            .by(axis::reply, &[Reply::Refuse])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL),
        Cube::of_modes()
            .by(axis::certificate, &[Certificate::Expired])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL),
        Cube::of_modes()
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::tls, TlsVersions::ALL)
            .by(axis::key, Key::ALL),
        Cube::of_modes()
            .by(axis::sslnegotiation, Sslnegotiation::ALL)
            .by(axis::auth, &[Auth::Cert, Auth::Password])
            .by(axis::tls, &[TlsVersions::Tls12To13, TlsVersions::Tls12])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::client_cert, ClientCert::ALL),
    ]);
    cubes
}

/// Host names for the name check: the certificates' own, and each way to come close.
fn hosts() -> [Host; 9] {
    [
        "localhost",
        "127.0.0.1",
        "LOCALHOST",
        "wrong.example",
        "a.wild.example",
        "wild.example",
        "a.b.wild.example",
        "127.1",
        "::1",
    ]
    .map(|name| name.parse().expect("a host's name"))
}
