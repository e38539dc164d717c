//! Cancel requests.

use super::cube::{Cube, axis};
use crate::axes::{Reply, Sslmode, Sslnegotiation, Sslrootcert, Then};

const STRICT: [Sslmode; 3] = [Sslmode::Require, Sslmode::VerifyCa, Sslmode::VerifyFull];

pub(super) fn cancel() -> Vec<Cube> {
    vec![
        Cube::of_modes()
            .by(axis::then, &[Then::Cancel])
            .by(axis::sslrootcert, &[Sslrootcert::None, Sslrootcert::Right, Sslrootcert::Wrong])
            .by(axis::reply, &[Reply::Accept, Reply::Refuse]),
        Cube::new()
            .by(axis::then, &[Then::Cancel])
            .by(axis::sslrootcert, &[Sslrootcert::Right])
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslmode, &STRICT),
    ]
}
